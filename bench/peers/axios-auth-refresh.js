// As its README: the token in localStorage, a request interceptor, one refresh for all 401s.
import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";

export function seed({ grant }) {
  localStorage.setItem("token", grant.access_token);
  localStorage.setItem("refresh", grant.refresh_token);
}

export async function open({ origin, adapter }) {
  const api = axios.create({ adapter });
  api.interceptors.request.use((request) => {
    request.headers.Authorization = `Bearer ${localStorage.getItem("token")}`;
    return request;
  });
  const refresh = async (failed) => {
    const body = { grant_type: "refresh_token", refresh_token: localStorage.getItem("refresh"), client_id: "bench" };
    const { data } = await axios.post(`${origin}/oauth/token`, body, { adapter });
    localStorage.setItem("token", data.access_token);
    localStorage.setItem("refresh", data.refresh_token);
    if (failed) failed.response.config.headers.Authorization = `Bearer ${data.access_token}`;
  };
  createAuthRefresh(api, refresh);
  return { call: (url) => api.get(url), refresh: () => refresh() };
}

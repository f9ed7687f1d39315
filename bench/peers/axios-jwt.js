import axios from "axios";
import { applyAuthTokenInterceptor, getBrowserLocalStorage, setAuthTokens } from "axios-jwt";

export const seed = ({ grant, origin }) =>
  open({ origin }).then(() => setAuthTokens({ accessToken: grant.access_token, refreshToken: grant.refresh_token }));

export async function open({ origin, adapter }) {
  const api = axios.create({ adapter });
  const requestRefresh = async (refreshToken) => {
    const { data } = await axios.post(`${origin}/oauth/token`, { token: refreshToken }, { adapter });
    return { accessToken: data.access_token, refreshToken: data.refresh_token };
  };
  applyAuthTokenInterceptor(api, { requestRefresh, getStorage: getBrowserLocalStorage });
  return { call: (url) => api.get(url) };
}

// getSession(), then fetch: what the documentation says for APIs of one's own.
import { AuthClient } from "@supabase/auth-js";

const KEY = "sb-bench-auth-token";

export function seed({ grant }) {
  const user = { id: "user-1", aud: "authenticated", email: "ada@example.com" };
  const expires_at = Math.floor(Date.now() / 1000) + grant.expires_in;
  localStorage.setItem(KEY, JSON.stringify({ ...grant, expires_at, user }));
}

export async function open({ origin }) {
  const auth = new AuthClient({ url: `${origin}/auth/v1`, storageKey: KEY, headers: { apikey: "bench" } });
  async function call(url) {
    const { data, error } = await auth.getSession();
    if (error || !data.session) throw error ?? new Error("no session");
    return fetch(url, { headers: { Authorization: `Bearer ${data.session.access_token}` } });
  }
  return { call, refresh: () => auth.refreshSession() };
}

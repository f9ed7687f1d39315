// The seed's snippet as a careful programmer would keep it: the state in localStorage, one refresh for all who wait.

const KEY = "by-hand";

export const seed = ({ grant }) => keep(grant);

let state;
let refreshing;

function keep(grant) {
  const { access_token, refresh_token = state?.refreshToken, expires_in } = grant;
  state = { accessToken: access_token, refreshToken: refresh_token, expiresAt: Date.now() + expires_in * 1000 };
  localStorage.setItem(KEY, JSON.stringify(state));
}

export async function open({ origin }) {
  state = JSON.parse(localStorage.getItem(KEY));

  async function refreshOnce() {
    const response = await fetch(`${origin}/oauth/token`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ grant_type: "refresh_token", refresh_token: state.refreshToken, client_id: "bench" }),
    });
    if (!response.ok) throw new Error(`Failed to refresh token: ${response.status}`);
    keep(await response.json());
  }

  const refresh = () => {
    refreshing ??= refreshOnce().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };

  async function call(url, options = {}) {
    if (Date.now() >= state.expiresAt - 5 * 60 * 1000) await refresh();
    const headers = { Authorization: `Bearer ${state.accessToken}`, ...options.headers };
    const response = await fetch(url, { ...options, headers });
    if (response.status === 401 && response.headers.get("WWW-Authenticate")?.includes('error="invalid_token"')) {
      await refresh();
      headers.Authorization = `Bearer ${state.accessToken}`;
      return fetch(url, { ...options, headers });
    }
    return response;
  }
  return { call, refresh };
}

// The seed's snippet as published, to the letter but for its log lines and the place where its tokens start.

const KEY = "snippet";

export function seed({ grant }) {
  localStorage.setItem(KEY, JSON.stringify(grant));
}

export async function open({ origin }) {
  const grant = JSON.parse(localStorage.getItem(KEY));
  let accessToken = grant.access_token;
  let refreshToken = grant.refresh_token;
  let tokenExpiryTime = Date.now() + grant.expires_in * 1000;

  async function makeAuthenticatedRequest(url, options = {}) {
    if (Date.now() >= tokenExpiryTime - 5 * 60 * 1000) {
      await refreshAccessToken();
    }
    const headers = {
      Authorization: `Bearer ${accessToken}`,
      "Content-Type": "application/json",
      ...options.headers,
    };
    const response = await fetch(url, { ...options, headers });
    if (response.status === 401 && response.headers.get("WWW-Authenticate")?.includes('Bearer error="invalid_token"')) {
      await refreshAccessToken();
      headers.Authorization = `Bearer ${accessToken}`;
      return fetch(url, { ...options, headers });
    }
    return response;
  }

  async function refreshAccessToken() {
    const response = await fetch(`${origin}/oauth/token`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ grant_type: "refresh_token", refresh_token: refreshToken, client_id: "bench" }),
    });
    if (!response.ok) {
      const errorData = await response.json();
      throw new Error(`Failed to refresh token: ${errorData.error_description || response.statusText}`);
    }
    const data = await response.json();
    accessToken = data.access_token;
    refreshToken = data.refresh_token || refreshToken;
    tokenExpiryTime = Date.now() + data.expires_in * 1000;
    localStorage.setItem(KEY, JSON.stringify(data));
  }

  return { call: makeAuthenticatedRequest, refresh: refreshAccessToken };
}

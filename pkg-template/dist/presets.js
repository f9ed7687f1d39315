// Options for kinds of backends, as plain data. What they mean is decided in Rust.

/** Any RFC 6749 token endpoint. */
export const oauth2 = ({ tokenEndpoint, ...route }) => ({ refresh: { url: tokenEndpoint, ...route } });

/** A route that takes and answers JSON. */
export const json = (route) => ({ refresh: { ...route, body: "json" } });

/** Baserow's user API. Its two-factor answer has a `token` that is no access token, hence only `access_token` is read. */
export const baserow = ({ url }) => {
  const root = String(url).replace(/\/?$/, "/");
  return {
    scheme: "JWT",
    refresh: { url: `${root}token-refresh/`, body: "json" },
    revoke: { url: `${root}token-blacklist/`, body: "json" },
  };
};

/** djangorestframework-simplejwt. */
export const simplejwt = ({ url, ...options }) => ({
  ...options,
  refresh: {
    url,
    body: "json",
    fields: { refreshTokenParam: "refresh", accessToken: "access", refreshToken: "refresh" },
  },
});

export const presets = { oauth2, json, baserow, simplejwt };

// What must not compile.

import { AuthError, AuthSession, presets } from "tokenwell";
import { init } from "tokenwell/slim";

// @ts-expect-error refresh is what a session cannot be without
new AuthSession({});
// @ts-expect-error
new AuthSession();
// @ts-expect-error misspelt options
new AuthSession({ refresh: "/t", autorefresh: true });
// @ts-expect-error
new AuthSession({ refresh: { uri: "/t" } });
// @ts-expect-error
new AuthSession({ refresh: "/t", storage: "cookies" });
// @ts-expect-error
new AuthSession({ refresh: "/t", leeway: "60" });
// @ts-expect-error a refresher is asynchronous
new AuthSession({ refresh: () => "token" });
// @ts-expect-error exactOptionalPropertyTypes: a name is given or not there
new AuthSession({ refresh: "/t", name: undefined });

const session = new AuthSession({ refresh: "/t" });
// @ts-expect-error
session.snapshot = null;
// @ts-expect-error
session.snapshot.status = "signed-in";
// @ts-expect-error claims are unknown until looked at
session.snapshot.claims?.name.length;
// @ts-expect-error
session.on("changed", () => {});
// @ts-expect-error
session.on("refreshed", (event: { attempts: string }) => event);
// @ts-expect-error the WASM handle is nobody's business
session.free();
// @ts-expect-error
await session.setTokens("token");

// @ts-expect-error
new AuthError("x", { code: "nonsense" });
// @ts-expect-error
presets.oauth2({ tokenEndpoint: "/t" });
// @ts-expect-error
init(42);

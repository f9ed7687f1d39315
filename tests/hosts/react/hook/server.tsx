import { renderToString } from "react-dom/server";
import { AuthSession } from "tokenwell";
import { Page } from "./Page.tsx";

/** Rendered for somebody who is signed in: even so, the HTML says nothing of it. */
export async function html() {
  const session = await AuthSession.create({ refresh: "https://id.test/token", storage: "memory", autoRefresh: false });
  await session.setTokens({ access_token: "token-of-the-server", expires_in: 3600 });
  const text = renderToString(<Page session={session} />);
  session.dispose();
  return text;
}

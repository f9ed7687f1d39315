// The same stories in Firefox, as far as WebDriver goes: it can neither crash nor
// freeze a tab, and does not say whether Firefox had to let go of a page that it kept.

import { after, before, describe } from "node:test";
import { apart, traces } from "./tabs/apart.mjs";
import { chaos } from "./tabs/chaos.mjs";
import { copies } from "./tabs/copies.mjs";
import { firefox } from "./tabs/firefox.mjs";
import { gone } from "./tabs/gone.mjs";
import { rotation } from "./tabs/rotation.mjs";
import { signOut } from "./tabs/sign-out.mjs";
import { trouble } from "./tabs/trouble.mjs";
import { waiting } from "./tabs/waiting.mjs";

describe("tabs in Firefox", { concurrency: 8 }, () => {
  const host = firefox();
  before(() => host.start());
  after(() => host.stop());

  rotation(host);
  copies(host);
  gone(host, { crashes: false });
  signOut(host);
  waiting(host, { freezes: false, keepsPages: false });
  apart(host);
  traces(host);
  trouble(host);
  chaos(host, { freezes: false });
});

// One session in many real tabs of Chromium, against a server that ends a session whose refresh token is presented twice.

import { after, before, describe } from "node:test";
import { apart, traces } from "./tabs/apart.mjs";
import { chaos } from "./tabs/chaos.mjs";
import { chromium } from "./tabs/chromium.mjs";
import { copies } from "./tabs/copies.mjs";
import { gone } from "./tabs/gone.mjs";
import { rotation } from "./tabs/rotation.mjs";
import { signOut } from "./tabs/sign-out.mjs";
import { trouble } from "./tabs/trouble.mjs";
import { waiting } from "./tabs/waiting.mjs";

describe("tabs in Chromium", { concurrency: 8 }, () => {
  const host = chromium();
  before(() => host.start());
  after(() => host.stop());

  rotation(host);
  copies(host);
  gone(host, { crashes: true });
  signOut(host);
  waiting(host, { freezes: true, keepsPages: true });
  apart(host);
  traces(host);
  trouble(host);
  chaos(host, { freezes: true });
});

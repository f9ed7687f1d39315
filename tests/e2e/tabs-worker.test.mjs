// The stories of many tabs with each session in a worker, as far as they do not depend on what happens in the page: it may
// hang without any harm, and its hooks on fetch, channels and locks see nothing.

import { after, before, describe } from "node:test";
import { apart } from "./tabs/apart.mjs";
import { chromium } from "./tabs/chromium.mjs";
import { copies } from "./tabs/copies.mjs";
import { firefox } from "./tabs/firefox.mjs";
import { gone } from "./tabs/gone.mjs";
import { rotation } from "./tabs/rotation.mjs";
import { signOut } from "./tabs/sign-out.mjs";
import { lostStorage } from "./tabs/trouble.mjs";
import { frozen, hungPages, offlineAndAsleep, returning } from "./tabs/waiting.mjs";

describe("tabs in Chromium, sessions in workers", { concurrency: 8 }, () => {
  const host = { ...chromium(), entry: "worker" };
  before(() => host.start());
  after(() => host.stop());

  rotation(host, { insecure: false });
  copies(host);
  gone(host, { crashes: true, storages: ["session"] });
  signOut(host, { storages: ["session"] });
  hungPages(host);
  offlineAndAsleep(host);
  returning(host, true);
  frozen(host);
  apart(host);
  lostStorage(host);
});

describe("tabs in Firefox, sessions in workers", { concurrency: 8 }, () => {
  const host = { ...firefox(), entry: "worker" };
  before(() => host.start());
  after(() => host.stop());

  copies(host);
  hungPages(host);
  returning(host, false);
  apart(host);
});

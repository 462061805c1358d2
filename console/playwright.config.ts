// The browser tests: Debian's Chromium against the real binary, which each worker starts for itself.
import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export default defineConfig({
  testDir: "e2e",
  // Pictures are drawn where they are asked for, and then nothing else is done: they are no test.
  ...(process.env.IMAGES ? { testMatch: "images.spec.ts" } : { testIgnore: "images.spec.ts" }),
  fullyParallel: false,
  workers: 2,
  timeout: 45_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  outputDir: "test-results",
  use: {
    launchOptions: { executablePath: CHROMIUM, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] },
    viewport: { width: 1280, height: 860 },
    locale: "en-GB",
    timezoneId: "Europe/Paris",
    actionTimeout: 10_000,
    trace: "retain-on-failure",
  },
});

// What keeps Keyward running: signing keys, the audit log, the configuration, health.
import { readFileSync } from "node:fs";
import { expect, open, test } from "./test";

test("the next signing key is announced, and one is retired once its id is typed", async ({
  console: page,
  keyward,
}) => {
  await open(page, keyward, "/signing-keys");
  await page.getByRole("button", { name: "Rotate" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Rotate" }).click();
  await expect(page.getByText("announced", { exact: true })).toBeVisible();
  const retire = page.getByRole("button", { name: /^Retire sig_/ }).first();
  const id = ((await retire.getAttribute("aria-label")) ?? "").replace("Retire ", "");
  await retire.click();
  const sure = page.getByRole("alertdialog");
  await expect(sure.getByRole("button", { name: "Retire for ever" })).toBeDisabled();
  await sure.getByLabel(/to confirm/).fill(id);
  await sure.getByRole("button", { name: "Retire for ever" }).click();
  await expect(page.getByText("retired", { exact: true })).toBeVisible();
});

test("the audit log is filtered, verified and taken away", async ({ console: page, keyward }) => {
  keyward.run("key", "create", "for the record");
  await open(page, keyward, "/audit");
  await page.getByLabel("Action").fill("key.created");
  await expect(page.getByText("for the record").first()).toBeVisible();
  await expect(page.getByText("session.started")).toHaveCount(0);
  await page.getByRole("button", { name: "Verify the chain" }).click();
  await expect(page.getByText("The chain is whole")).toBeVisible();
  for (const [format, text] of [
    ["CSV", "key.created"],
    ["NDJSON", '"action":"key.created"'],
  ] as const) {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: format, exact: true }).click(),
    ]);
    expect(readFileSync(await file.path(), "utf8")).toContain(text);
  }
});

test("the configuration is shown with its origins, and another is checked", async ({ console: page, keyward }) => {
  await open(page, keyward, "/configuration");
  await page.getByLabel("Search by name or origin").fill("server.port");
  await expect(page.getByText("server.port", { exact: true })).toBeVisible();
  await page.getByLabel("Configuration (YAML)").fill("rate_limits: 3\n");
  await page.getByRole("button", { name: "Check" }).click();
  await expect(page.getByRole("alert")).toContainText("rate_limits");
  await page.getByLabel("Configuration (YAML)").fill("server: { port: 8081 }\n");
  await page.getByRole("button", { name: "Check" }).click();
  await expect(page.getByText("No mistakes")).toBeVisible();
});

test("health tells of the node and its store", async ({ console: page, keyward }) => {
  await open(page, keyward, "/health");
  await expect(page.getByText("ready", { exact: true })).toBeVisible();
  await expect(page.getByText("Store answers")).toBeVisible();
});

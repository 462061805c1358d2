// Users who come to another account, references of one's own, and which sessions are listed.
import { PASSWORD } from "./server";
import { expect, open, test } from "./test";

test("a user comes to another account with its key, and gets a reference", async ({ console: page, keyward }) => {
  keyward.run("account", "add", "Old home");
  const home = JSON.parse(keyward.run("account", "add", "New home", "--json"));
  keyward.run("user", "add", "mover", "--account", "Old home", "--no-password");
  keyward.run("key", "create", "of mover", "--owner", "mover");
  await open(page, keyward, "/users");
  await page.getByRole("link", { name: "mover" }).click();
  await page.getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Account" }).selectOption("New home");
  await dialog.getByLabel("Your own reference").fill("crm-42");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("link", { name: home.id })).toBeVisible();
  await expect(page.getByText("crm-42")).toBeVisible();
  expect(keyward.run("key", "list", "--account", "New home")).toContain("of mover");
});

test("an account gets another reference, but nobody else's", async ({ console: page, keyward }) => {
  keyward.run("account", "add", "Has one", "--external-id", "crm-1");
  keyward.run("account", "add", "Wants one");
  await open(page, keyward, "/accounts");
  await page.getByRole("link", { name: "Wants one" }).click();
  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Your own reference").fill("crm-1");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("external id already");
  await page.getByLabel("Your own reference").fill("crm-2");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByText("crm-2")).toBeVisible();
});

test("sessions are listed by what carries them on", async ({ console: page, keyward }) => {
  keyward.run("user", "add", "ina", "--password-file", keyward.file("ina", PASSWORD));
  const answer = await fetch(`${keyward.dataUrl}/_keyward/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "ina", password: PASSWORD }),
  });
  expect(answer.status).toBe(200);
  await open(page, keyward, "/sessions");
  const kinds = page.getByRole("row").filter({ hasText: /ses_/ });
  await page.getByLabel("By", { exact: true }).selectOption("tokens");
  await expect(kinds.filter({ hasText: "Browser" })).toHaveCount(0);
  await expect(kinds.filter({ hasText: "Tokens" })).not.toHaveCount(0);
  await page.getByLabel("By", { exact: true }).selectOption("cookie");
  await expect(kinds.filter({ hasText: "Tokens" })).toHaveCount(0);
  await expect(kinds.filter({ hasText: "Browser" })).not.toHaveCount(0);
});

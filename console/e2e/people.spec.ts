// Users and accounts: made, changed, disabled, signed out; what a lesser role sees; and two who change the same thing.
import { Keyward, PASSWORD } from "./server";
import { done, expect, generate, open, signIn, test } from "./test";

test("a user is made, gets other roles, and is shut out at once", async ({ console: page, keyward, browser }) => {
  await open(page, keyward, "/users");
  await page.getByRole("button", { name: "Add user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Username").fill("rita");
  await dialog.getByRole("checkbox", { name: /^auditor/ }).check();
  await dialog.getByRole("radio", { name: "With a password" }).check();
  await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("link", { name: "rita" })).toBeVisible();

  const theirs = await (await browser.newContext()).newPage();
  await signIn(theirs, keyward, "rita");
  await open(theirs, keyward, "/keys");
  await expect(theirs.getByRole("heading", { name: "API keys", exact: true })).toBeVisible();
  await expect(theirs.getByRole("link", { name: "Generate API key" })).toBeHidden();

  await page.getByRole("link", { name: "rita" }).click();
  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText("disabled", { exact: true })).toBeVisible();
  await open(theirs, keyward, "/users");
  await expect(theirs.getByText("Your session has ended")).toBeVisible();
  await theirs.context().close();
});

test("a user without a scope of keyward: does not get in", async ({ page, keyward }) => {
  keyward.run("user", "add", "jo", "--roles", "self", "--password-file", keyward.file("password", PASSWORD));
  await page.goto(keyward.consoleUrl);
  await page.getByLabel("Username").fill("jo");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeHidden();
});

test("an account is made, gets a budget, and its keys end with it", async ({ console: page, keyward }) => {
  await open(page, keyward, "/accounts");
  await page.getByRole("button", { name: "New account" }).first().click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Acme");
  await page.getByLabel("Your own reference").fill("crm-17");
  await page.getByLabel("Budget").fill("1000/30d");
  await page.getByRole("button", { name: "Make it" }).click();
  await expect(page.getByRole("heading", { name: "Acme" })).toBeVisible();
  await expect(page.getByText("1,000 of 1,000 left")).toBeVisible();
  const key = keyward.run("key", "create", "of acme", "--account", "Acme").trim();
  expect(await keyward.call("/orders", key)).toBe(200);
  await page.getByRole("button", { name: "Disable" }).click();
  const sure = page.getByRole("alertdialog");
  await sure.getByLabel(/to confirm/).fill("Acme");
  await sure.getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText("disabled", { exact: true })).toBeVisible();
  expect(await keyward.call("/orders", key)).toBe(401);
});

test("one signs out everywhere", async ({ console: page, keyward, browser }) => {
  const other = await (await browser.newContext()).newPage();
  await signIn(other, keyward);
  await open(page, keyward, "/account");
  await expect(page.getByText("this one", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await open(other, keyward, "/users");
  await expect(other.getByText("Your session has ended")).toBeVisible();
  await other.context().close();
});

test("one changes one's password, and the old one is worth nothing", async ({ page }) => {
  const own = new Keyward();
  await own.start();
  try {
    await signIn(page, own);
    await open(page, own, "/account");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByLabel("Present password").fill(PASSWORD);
    await page.getByLabel("New password").fill("another one entirely");
    await page.getByRole("button", { name: "Change it" }).click();
    await expect(page.getByText("Your password is changed")).toBeVisible();
    await page.context().clearCookies();
    await signIn(page, own, "admin", "another one entirely");
  } finally {
    await own.away();
  }
});

test("two who act on the same key do not undo each other", async ({ console: page, keyward, browser }) => {
  await generate(page, keyward, "shared");
  await done(page);
  await expect(page.getByRole("heading", { name: "shared" })).toBeVisible();
  const other = await (await browser.newContext()).newPage();
  await signIn(other, keyward);
  await other.goto(page.url());
  await other.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("button", { name: "Rename" }).click();
  await other.getByRole("textbox", { name: "Name" }).fill("theirs");
  await other.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(other.getByRole("heading", { name: "theirs" })).toBeVisible();
  await page.getByRole("textbox", { name: "Name" }).fill("mine");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("mine");
  await other.context().close();
});

test("two who edit the same account: the second is told, and nothing of the first is lost", async ({
  console: page,
  keyward,
  browser,
}) => {
  keyward.run("account", "add", "Edited by two");
  await open(page, keyward, "/accounts");
  await page.getByRole("link", { name: "Edited by two" }).click();
  await expect(page.getByRole("heading", { name: "Edited by two" })).toBeVisible();
  const other = await (await browser.newContext()).newPage();
  await signIn(other, keyward);
  await other.goto(page.url());
  for (const one of [page, other]) {
    await one.getByRole("button", { name: "Edit" }).click();
    await expect(one.getByRole("dialog")).toBeVisible();
  }
  await other.getByLabel("Limits of its own").fill("1000/1h");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(other.getByRole("dialog")).toBeHidden();
  await page.getByLabel("Limits of its own").fill("5/1h");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Limits of its own")).toHaveValue("5/1h");
  expect(keyward.run("account", "show", "Edited by two", "--json")).toContain("1000/1h");
  await other.context().close();
});

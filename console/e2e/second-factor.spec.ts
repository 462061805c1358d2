// A second factor: set up, asked for, and what recovery codes are good for; and an invitation, which is good once.
import type { Page } from "@playwright/test";
import { Keyward, PASSWORD } from "./server";
import { expect, open, signIn, test } from "./test";
import { code } from "./totp";

async function password(page: Page, keyward: Keyward, username = "admin"): Promise<void> {
  await page.goto("about:blank");
  await page.goto(keyward.consoleUrl);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a second factor is asked for once it is set up, and a recovery code is good once", async ({ page }) => {
  test.setTimeout(90_000);
  const keyward = new Keyward();
  await keyward.start();
  try {
    await signIn(page, keyward);
    await open(page, keyward, "/account");
    await page.getByRole("button", { name: "Set it up" }).click();
    await page.getByLabel("Your password").fill(PASSWORD);
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByRole("img", { name: "The secret as a QR code" })).toBeVisible();
    const secret = (await page.locator("[data-secret]").textContent()) ?? "";
    await page.getByRole("textbox", { name: "Code", exact: true }).fill(code(secret));
    await page.getByRole("button", { name: "Turn it on" }).click();
    const codes = page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
    await expect(codes.first()).toBeVisible();
    const recovery = (await codes.first().textContent()) ?? "";
    await page.getByRole("button", { name: "I have kept them" }).click();

    await page.context().clearCookies();
    await password(page, keyward);
    await page.getByLabel("Code from your authenticator").fill("000000");
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await page.getByRole("button", { name: "Use a recovery code" }).click();
    await page.getByLabel("Recovery code").fill(recovery);
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();

    await page.context().clearCookies();
    await password(page, keyward);
    await page.getByRole("button", { name: "Use a recovery code" }).click();
    await page.getByLabel("Recovery code").fill(recovery);
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await page.getByRole("button", { name: "Use the authenticator" }).click();
    await page.getByLabel("Code from your authenticator").fill(code(secret, 1));
    await page.getByRole("button", { name: "Go on" }).click();
    await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  } finally {
    await keyward.away();
  }
});

test("an invitation lets somebody choose a password, once", async ({ console: page, keyward, browser }) => {
  await open(page, keyward, "/users");
  await page.getByRole("button", { name: "Add user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Username").fill("invited");
  await dialog.getByRole("checkbox", { name: /^auditor/ }).check();
  await dialog.getByRole("button", { name: "Make the link" }).click();
  const link = (await page.locator("[data-secret]").textContent()) ?? "";
  expect(link).toContain("/console/#/invite/");

  const theirs = await (await browser.newContext()).newPage();
  await theirs.goto(link);
  await expect(theirs.getByLabel("Username")).toHaveValue("invited");
  await theirs.getByLabel("New password").fill(PASSWORD);
  await theirs.getByRole("button", { name: "Set the password" }).click();
  await expect(theirs.getByRole("heading", { name: "You are in" })).toBeVisible();
  await password(theirs, keyward, "invited");
  await expect(theirs.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await theirs.goto("about:blank");
  await theirs.goto(link);
  await expect(theirs.getByRole("alert")).toBeVisible();
  await theirs.context().close();
});

// What operators keep beside a key: given with it, changed, and text whatever it holds.
import { done, expect, open, signIn, test } from "./test";

const SCRIPTS = [
  ["markup", "<img src=x onerror=alert(1)>"],
  ["script", "<script>alert(1)</script>"],
  ["link", "javascript:alert(1)"],
  ['"><svg onload', "alert(1)>"],
] as const;

test("metadata stays text, and is given, seen and changed", async ({ console: page, keyward }) => {
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("with metadata");
  await page.getByText("Addresses, budget and more").click();
  await page.getByLabel("Metadata").fill(SCRIPTS.map(([name, value]) => `${name}=${value}`).join("\n"));
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  await done(page);
  const card = page.getByRole("region", { name: "Metadata" });
  for (const [name, value] of SCRIPTS) {
    await expect(card.getByText(name, { exact: true })).toBeVisible();
    await expect(card.getByText(value, { exact: true })).toBeVisible();
  }
  expect(await page.locator("main img, main script, main svg[onload], main [href^=javascript]").count()).toBe(0);

  await card.getByRole("button", { name: "Edit metadata" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Metadata")).toHaveValue(/^.*script=<script>/s);
  await dialog.getByLabel("Metadata").fill("team=billing\nnote=a=b");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(card.getByText("a=b", { exact: true })).toBeVisible();
  await expect(card.getByText("markup", { exact: true })).toBeHidden();
});

test("of two who change it at once the second is told", async ({ console: page, keyward, browser }) => {
  const made = JSON.parse(keyward.run("key", "create", "by two", "--metadata", "team=first", "--json"));
  const other = await (await browser.newContext()).newPage();
  await signIn(other, keyward);
  for (const one of [page, other]) {
    await open(one, keyward, `/keys/${made.id}`);
    await one.getByRole("button", { name: "Edit metadata" }).click();
    await expect(one.getByRole("dialog")).toBeVisible();
  }
  await other.getByRole("dialog").getByLabel("Metadata").fill("team=theirs");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(other.getByRole("dialog")).toBeHidden();
  await page.getByRole("dialog").getByLabel("Metadata").fill("team=mine");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("Somebody else");
  await expect(page.getByRole("dialog").getByLabel("Metadata")).toHaveValue("team=mine");
  expect(keyward.run("key", "show", made.id)).toContain("team=theirs");
  await other.context().close();
});

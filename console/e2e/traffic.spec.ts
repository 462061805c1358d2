// What callers did, as the pages tell it: figures, decisions live and kept, explanations, and the first steps.
import { expect, open, test } from "./test";

test("a refusal is one click from its explanation", async ({ console: page, keyward }) => {
  expect(await keyward.call("/orders/17")).toBe(401);
  await open(page, keyward, "/decisions");
  const row = page.getByRole("link", { name: "GET /orders/17" }).first();
  await expect(async () => {
    await page.reload();
    await expect(row).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 15_000 });
  await row.click();
  await expect(page.getByRole("heading", { name: "Why" })).toBeVisible();
  await expect(page.getByText("What to do")).toBeVisible();
  await expect(page.getByText("NoCredential").first()).toBeVisible();
});

test("decisions come by themselves while one watches", async ({ console: page, keyward }) => {
  await open(page, keyward, "/decisions");
  await page.getByRole("button", { name: "Watch live" }).click();
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await keyward.call("/watched");
  await expect(page.getByRole("link", { name: "GET /watched" })).toBeVisible();
  await page.getByLabel("Outcome").selectOption("allowed");
  await expect(page.getByText("Waiting for requests")).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("live", { exact: true })).toBeHidden();
});

test("the overview shows what passed and what was refused", async ({ console: page, keyward }) => {
  const key = keyward.run("key", "create", "busy").trim();
  for (let turn = 0; turn < 12; turn += 1) await keyward.call("/counted", key);
  for (let turn = 0; turn < 5; turn += 1) await keyward.call("/counted");
  await open(page, keyward, "/");
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("Requests", { exact: true }).first()).toBeVisible({ timeout: 2000 });
    await expect(page.getByRole("link", { name: "NoCredential" })).toBeVisible({ timeout: 1000 });
    await expect(page.getByRole("link", { name: "busy" })).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 20_000 });
  await page.getByRole("button", { name: "1 hour" }).click();
  await expect(page.getByRole("button", { name: "1 hour" })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("link", { name: "NoCredential" }).click();
  await expect(page.getByRole("heading", { name: "Decisions", exact: true })).toBeVisible();
  await expect(page.getByLabel("Outcome")).toHaveValue("NoCredential");
});

test("a key's page tells how much it is used, when last, from where, and what is left of it", async ({
  console: page,
  keyward,
}) => {
  const key = keyward.run("key", "create", "measured", "--budget", "100/30d").trim();
  await open(page, keyward, "/keys?search=measured");
  await page.getByRole("link", { name: "measured" }).click();
  await expect(page.getByText("100 of 100 left")).toBeVisible();
  await expect(page.getByText("never", { exact: true }).first()).toBeVisible();
  for (let turn = 0; turn < 6; turn += 1) expect(await keyward.call("/orders", key)).toBe(200);
  const today = page.getByRole("list", { name: "Requests by day" }).getByRole("listitem").last();
  const lastUsed = page.locator("dt", { hasText: "Last used" }).locator("xpath=following-sibling::dd[1]");
  await expect(async () => {
    await page.reload();
    await expect(today).toContainText("6 allowed, 0 refused, 0 failed", { timeout: 1000 });
    await expect(page.getByRole("heading", { name: "Used from" })).toBeVisible({ timeout: 1000 });
    await expect(lastUsed).toContainText("ago", { timeout: 1000 });
  }).toPass({ timeout: 20_000 });
  await expect(page.getByText("127.0.0.1")).toBeVisible();
  await expect(page.getByText("94 of 100 left")).toBeVisible();
  await page.getByRole("link", { name: "Decisions with this key" }).click();
  await expect(page.getByRole("link", { name: "GET /orders" }).first()).toBeVisible();
});

test("a request that nobody sends is explained step by step", async ({ console: page, keyward }) => {
  await open(page, keyward, "/explain");
  await page.getByLabel("Path").fill("/orders");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("heading", { name: /It would be refused: 401/ })).toBeVisible();
  const key = keyward.run("key", "create", "tried").trim();
  await page.getByLabel("Headers").fill(`X-API-Key: ${key}`);
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("heading", { name: "It would pass" })).toBeVisible();
});

test("the first steps end with the first call that passes", async ({ console: page, keyward }) => {
  await open(page, keyward, "/start");
  await expect(page.getByRole("heading", { name: "First steps" })).toBeVisible();
  expect(await keyward.call("/orders")).toBe(401);
  await expect(page.getByText("Refused, as it should be.")).toBeVisible();
  await page.getByRole("button", { name: "Make a key" }).click();
  const key = (await page.locator("[data-secret]").textContent()) ?? "";
  expect(await keyward.call("/orders", key)).toBe(200);
  await expect(page.getByText("Your API is protected")).toBeVisible();
});

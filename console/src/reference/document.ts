// The parts of an OpenAPI 3.1 document that the reference shows, and a schema in words and as an example.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  example?: unknown;
  format?: string;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema?: Schema;
}

type Content = Record<string, { schema?: Schema }>;

export interface Operation {
  method: string;
  path: string;
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}

export interface Document {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Omit<Operation, "method" | "path">>>;
  components?: { schemas?: Record<string, Schema> };
}

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Operations by their first tag, in the document's order. */
export function groups(document: Document): [string, Operation[]][] {
  const found = new Map<string, Operation[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!METHODS.includes(method)) continue;
      const tag = operation.tags?.[0] ?? "other";
      found.set(tag, [...(found.get(tag) ?? []), { ...operation, method: method.toUpperCase(), path }]);
    }
  }
  return [...found];
}

export function resolve(document: Document, schema: Schema | undefined): Schema {
  const name = schema?.$ref?.split("/").pop();
  return (name && document.components?.schemas?.[name]) || schema || {};
}

/** The one of several that is not null. */
function said(schema: Schema): Schema {
  const some = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  return some?.find((one) => one.type !== "null") ?? schema;
}

export function typeOf(document: Document, schema: Schema | undefined): string {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop() ?? "";
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return some.map((one) => typeOf(document, one)).join(" | ");
  const types = Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : ["any"];
  return types.map((type) => (type === "array" ? `${typeOf(document, schema.items)}[]` : type)).join(" | ");
}

const DEEPEST = 5;

/** Something of that shape, for a form to begin with: what is required of a body, everything of an answer. */
export function example(document: Document, of: Schema | undefined, whole: boolean, depth = 0): unknown {
  const schema = resolve(document, said(resolve(document, of)));
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (schema.properties) {
    if (depth > DEEPEST) return {};
    const names = Object.keys(schema.properties).filter((name) => whole || schema.required?.includes(name));
    return Object.fromEntries(
      names.map((name) => [name, example(document, schema.properties?.[name], whole, depth + 1)]),
    );
  }
  if (type === "array") return depth > DEEPEST || !whole ? [] : [example(document, schema.items, whole, depth + 1)];
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return false;
  return type === "string" ? "" : {};
}

// The interface's description, laid out for people.
"use strict";
const make = (tag, text, parent, name) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (name) node.className = name;
  if (parent) parent.append(node);
  return node;
};
// Text in which `words like this` are code.
const say = (tag, text, parent) => {
  const node = make(tag, "", parent);
  (text || "").split("`").forEach((part, i) => { if (part) node.append(i % 2 ? make("code", part) : part); });
  return node;
};
const typeName = schema => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf || schema.anyOf) return (schema.oneOf || schema.anyOf).map(typeName).filter(name => name !== "null").join(" | ");
  if (schema.enum) return schema.enum.join(" | ");
  const type = [].concat(schema.type || "any").filter(name => name !== "null").join(" | ");
  return type === "array" ? typeName(schema.items) + "[]" : type;
};
const content = holder => Object.entries((holder || {}).content || {}).map(([media, {schema}]) => {
  const name = typeName(schema);
  return media === "application/json" ? name : `${name} (${media})`;
}).join(", ");
const row = (table, cells) => { const tr = make("tr", "", table); cells.forEach((cell, i) => say(i ? "td" : "th", cell, tr)); };

fetch("openapi.json").then(answer => answer.json()).then(api => {
  document.getElementById("intro").after(say("p", api.info.description));
  const main = document.getElementById("interface");
  for (const tag of api.tags) {
    make("h2", tag.name, main);
    make("p", tag.description, main);
    for (const [path, methods] of Object.entries(api.paths)) for (const [method, operation] of Object.entries(methods)) {
      if (!(operation.tags || []).includes(tag.name)) continue;
      const box = make("details", "", main);
      const line = make("summary", "", box);
      make("span", method, line, "method");
      make("span", path, line);
      make("span", (operation.security || []).flatMap(Object.keys).join(", "), line, "auth");
      say("p", [operation.summary, operation.description].filter(Boolean).join(" "), box);
      const table = make("table", "", box);
      for (const p of operation.parameters || []) row(table, [p.name, `in ${p.in}${p.required ? "" : ", optional"}`, typeName(p.schema), p.description || ""]);
      if (operation.requestBody) row(table, ["body", "", content(operation.requestBody), operation.requestBody.description || ""]);
      for (const [status, answer] of Object.entries(operation.responses)) row(table, [status, "", content(answer), answer.description || ""]);
    }
  }
  make("h2", "types", main);
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const box = make("details", "", main);
    make("summary", name, box);
    say("p", schema.description, box);
    if (schema.enum) make("p", schema.enum.join(", "), box);
    const table = make("table", "", box);
    for (const [field, type] of Object.entries(schema.properties || {})) {
      row(table, [field, typeName(type), (schema.required || []).includes(field) ? "" : "optional", type.description || ""]);
    }
    for (const one of schema.oneOf || []) if (one.enum) row(table, [one.enum.join(" | "), "", "", one.description || ""]);
  }
}).catch(error => { make("p", "openapi.json cannot be read: " + error, document.getElementById("interface")); });

// SPDX-License-Identifier: Apache-2.0
// Checks binary glTF files with the Khronos glTF validator; ends with 1 if one has an error or a warning.
//
//     npm install --prefix /tmp/validator gltf-validator
//     NODE_FOLDER=/tmp/validator node tools/check_gltf.mjs FILE.glb...
//
// The validator does not know KHR_gaussian_splatting (its issue 252). In files that use it, the two messages that follow
// from this are counted as known, and not as errors.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.env.NODE_FOLDER ?? ".", "package.json"));
const validator = require("gltf-validator");
const files = process.argv.slice(2);
if (files.length === 0) throw new Error("usage: node tools/check_gltf.mjs FILE.glb...");

const SEVERITIES = ["error", "warning", "info", "hint"];
const OF_SPLATS = ["MESH_PRIMITIVE_INVALID_ATTRIBUTE", "UNSUPPORTED_EXTENSION"];
let bad = 0;
for (const file of files) {
  const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 0 });
  const splats = (report.info.extensionsUsed ?? []).includes("KHR_gaussian_splatting");
  const isKnown = (message) => splats && OF_SPLATS.includes(message.code);
  const messages = report.issues.messages.filter((message) => !isKnown(message));
  const known = report.issues.messages.length - messages.length;
  const counts = SEVERITIES.map((name, severity) => {
    const count = messages.filter((message) => message.severity === severity).length;
    return `${count} ${name}s`;
  });
  console.log(`${file}: ${counts.join(", ")}${known > 0 ? `, ${known} known of splats` : ""}`);
  for (const message of messages) {
    console.log(`  ${SEVERITIES[message.severity]} ${message.code} ${message.pointer ?? ""}: ${message.message}`);
  }
  bad += messages.filter((message) => message.severity <= 1).length;
}
process.exit(bad > 0 ? 1 : 0);

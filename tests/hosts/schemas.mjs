// SPDX-License-Identifier: Apache-2.0
// Takes the protocol's JSON Schemas, one a revision, out of the conformance suite's package, which carries them as object
// literals in its bundle. So the tests check against the published schemas without a copy of them here.
//
// usage: node schemas.mjs BUNDLE DIRECTORY    writes DIRECTORY/DATE.json for each revision
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import vm from 'node:vm'

const [bundle, directory] = process.argv.slice(2)
const source = readFileSync(bundle, 'utf8')

// The end of the object literal that begins at `start`; strings of all three kinds are stepped over.
function literalEnd(start) {
  let depth = 0
  for (let i = start; i < source.length; i++) {
    const c = source[i]
    if (c === '`' || c === '"' || c === "'") {
      for (i++; source[i] !== c; i++) if (source[i] === '\\') i++
    } else if (c === '{') depth++
    else if (c === '}' && --depth === 0) return i + 1
  }
  throw new Error(`no end of the literal at ${start}`)
}

// A revision is told by what only it and later ones have.
function revision(schema) {
  const known = schema.$defs ?? schema.definitions
  if (known.DiscoverResult) return '2026-07-28'
  if (known.Task || known.URLElicitationRequiredError || schema.$defs) return '2025-11-25'
  if (known.ElicitRequest) return '2025-06-18'
  if (known.JSONRPCBatchRequest) return '2025-03-26'
  return '2024-11-05'
}

mkdirSync(directory, { recursive: true })
for (const match of source.matchAll(/=\{\$schema:`[^`]*`,(\$defs|definitions):\{Annotations:/g)) {
  const start = match.index + 1
  const schema = vm.runInNewContext(`(${source.slice(start, literalEnd(start))})`)
  const date = revision(schema)
  writeFileSync(`${directory}/${date}.json`, JSON.stringify(schema))
  console.log(date, Object.keys(schema.$defs ?? schema.definitions).length, 'definitions')
}

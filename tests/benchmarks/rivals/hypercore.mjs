// Hypercore, W1a: a cold copy between two processes over TCP on loopback.
//
//   node hypercore.mjs FOLDER HOME serve ENTRIES BYTES     appends, says {port, key}, serves until stdin ends
//   node hypercore.mjs FOLDER HOME copy ENTRIES PORT KEY   waits for a line on stdin, copies, says {seconds}
//
// FOLDER holds node_modules. As it ships: one signature over a Merkle root per batch, RocksDB without fsync per batch.

import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'

const [, , folder, home, what, entries, ...rest] = process.argv
const require = createRequire(join(folder, 'package.json'))
const Corestore = require('corestore')
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const count = Number(entries)
const store = new Corestore(home)

if (what === 'serve') {
  const core = store.get({ name: 'log' })
  await core.ready()
  const blocks = Array.from({ length: count }, () => randomBytes(Number(rest[0])))
  for (let start = 0; start < count; start += 500) await core.append(blocks.slice(start, start + 500))
  const server = net.createServer((socket) => {
    const stream = store.replicate(false)
    stream.on('error', () => {})
    socket.on('error', () => {})
    stream.pipe(socket).pipe(stream)
  })
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port, key: core.key.toString('hex') }))
  process.stdin.resume()
  await once(process.stdin, 'end')
} else {
  const core = store.get({ key: Buffer.from(rest[1], 'hex') })
  await core.ready()
  say({ ready: true })
  await once(process.stdin, 'data')
  const begun = process.hrtime.bigint()
  const socket = net.connect(Number(rest[0]), '127.0.0.1')
  const stream = store.replicate(true)
  stream.on('error', () => {})
  stream.pipe(socket).pipe(stream)
  await core.update({ wait: true })
  await core.download({ start: 0, end: count }).done()
  if (core.contiguousLength !== count) throw new Error(`only ${core.contiguousLength} blocks came`)
  say({ seconds: Number(process.hrtime.bigint() - begun) / 1e9 })
}
process.exit(0)

// One member of a line of gossipsub peers: node gossipsub.mjs FOLDER [ADDRESS]
//
// FOLDER holds node_modules. Connects to ADDRESS, if given. Says on stdout, a JSON document a line: its own address,
// {peers} when the number of mesh neighbours changes, and {begun} / {arrived} in nanoseconds of the machine's monotonic
// clock. Publishes one message for each line of stdin: its text, the number of bytes. As it ships: messages are signed
// and verified at each hop, nothing is stored.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { randomBytes } from 'node:crypto'

// @libp2p/gossipsub 17 wants a newer Node.js than 20 for this one function.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}

const [, , folder, address] = process.argv
const { join } = await import('node:path')
const load = async (name) => {
  const require = createRequire(join(folder, 'package.json'))
  const { readFileSync } = await import('node:fs')
  // These packages have no CommonJS entry: find the ESM entry by hand.
  const home = require.resolve.paths(name).map(path => join(path, name)).find(path => {
    try { readFileSync(join(path, 'package.json')); return true } catch { return false }
  })
  const facts = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const entry = facts.exports?.['.']?.import?.default ?? facts.exports?.['.']?.import ?? facts.main
  return import(pathToFileURL(join(home, entry)).href)
}

const { createLibp2p } = await load('libp2p')
const { tcp } = await load('@libp2p/tcp')
const { noise } = await load('@chainsafe/libp2p-noise')
const { yamux } = await load('@chainsafe/libp2p-yamux')
const { identify } = await load('@libp2p/identify')
const { gossipsub } = await load('@libp2p/gossipsub')
const { multiaddr } = await load('@multiformats/multiaddr')

const TOPIC = 'line'
const say = (what) => process.stdout.write(JSON.stringify(what, (_, value) => typeof value === 'bigint' ? Number(value) : value) + '\n')

const peer = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) }
})
const pubsub = peer.services.pubsub
pubsub.addEventListener('message', (event) => {
  if (event.detail.topic === TOPIC) say({ arrived: process.hrtime.bigint() })
})
pubsub.subscribe(TOPIC)
say({ address: peer.getMultiaddrs()[0].toString() })
if (address) await peer.dial(multiaddr(address))
let known = -1
setInterval(() => {
  const peers = pubsub.getMeshPeers(TOPIC).length
  if (peers !== known) say({ peers: known = peers })
}, 100).unref()

for await (const line of createInterface({ input: process.stdin })) {
  const data = randomBytes(Number(line))
  const begun = process.hrtime.bigint()
  await pubsub.publish(TOPIC, data)
  say({ begun })
}
process.exit(0)

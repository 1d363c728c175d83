// ssb-db2 with ssb-ebt, W1b: a cold copy between two processes over TCP on loopback (secret handshake, EBT).
//
//   node ssb.cjs FOLDER HOME serve NETWORKERS EACH BYTES   makes the feeds, says {port, key, feeds: FILE}, serves
//   node ssb.cjs FOLDER HOME copy ENTRIES PORT KEY FILE    waits for a line on stdin, copies, says {seconds}
//
// FOLDER holds node_modules. As it ships: every signature is verified, the log is written without fsync.

const { createRequire } = require('node:module')
const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const util = require('node:util')

const [, , folder, home, what, ...rest] = process.argv
const load = createRequire(path.join(folder, 'package.json'))
const keys = load('ssb-keys')
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')

function started (port) {
  const caps = load('ssb-caps')
  return load('secret-stack')({ caps })
    .use(load('ssb-db2'))
    .use(load('ssb-db2/compat/ebt'))
    .use(load('ssb-ebt'))
    .call(null, {
      path: home,
      caps,
      keys: keys.loadOrCreateSync(path.join(home, 'secret')),
      timers: { inactivity: -1 },
      conn: { autostart: false },
      connections: {
        incoming: { net: [{ scope: 'private', transform: 'shs', port, host: '127.0.0.1' }] },
        outgoing: { net: [{ transform: 'shs' }] }
      },
      friends: { hops: 1 }
    })
}

async function main () {
  fs.mkdirSync(home, { recursive: true })
  const node = started(await free())
  if (what === 'serve') {
    const [networkers, each, bytes] = rest.map(Number)
    const create = util.promisify(node.db.create)
    const feeds = []
    for (let number = 0; number < networkers; number++) {
      const author = keys.generate()
      feeds.push(author.id)
      for (let seq = 0; seq < each; seq++) {
        // 240 bytes of the message are its frame.
        const text = randomBytes(Math.max(8, (bytes - 240) / 2 | 0)).toString('hex')
        await create({ keys: author, feedFormat: 'classic', content: { type: 'post', text } })
      }
    }
    await util.promisify(node.db.onDrain)()
    for (const feed of feeds) node.ebt.request(feed, true)
    const file = path.join(home, 'feeds.json')
    fs.writeFileSync(file, JSON.stringify(feeds))
    const [, address, port] = /net:([^:]+):(\d+)/.exec(node.getAddress('private') ?? node.getAddress())
    say({ port: Number(port), key: node.id, feeds: file })
    process.stdin.resume()
    await once(process.stdin, 'end')
  } else {
    const [entries, port, key, file] = rest
    const feeds = JSON.parse(fs.readFileSync(file, 'utf8'))
    let held = 0
    const done = new Promise((resolve) => {
      node.db.onMsgAdded(() => { if (++held === Number(entries)) resolve() })
    })
    say({ ready: true })
    await once(process.stdin, 'data')
    const begun = process.hrtime.bigint()
    for (const feed of feeds) node.ebt.request(feed, true)
    node.connect(`net:127.0.0.1:${port}~shs:${key.slice(1).replace('.ed25519', '')}`, (error) => { if (error) throw error })
    await done
    await util.promisify(node.db.onDrain)()
    say({ seconds: Number(process.hrtime.bigint() - begun) / 1e9 })
  }
  process.exit(0)
}

function free () {
  return new Promise((resolve) => {
    const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

main().catch((error) => { console.error(error); process.exit(1) })

// Sends one email per job. Says "ready", and begins at the first line on its standard input.
import { once } from 'node:events'

import { DelayedError, Worker } from 'bullmq'
import nodemailer from 'nodemailer'

import { openPrisma, openRedis, QUEUE, settings } from './connections.mjs'

const HOUR_MS = 3_600_000

const redis = openRedis()
const prisma = openPrisma()
const transport = nodemailer.createTransport({
  host: '127.0.0.1',
  port: settings.smtpPort,
  secure: false,
  ignoreTLS: true,
  pool: true,
  maxConnections: settings.smtpConnections,
  maxMessages: Infinity,
})

async function isWithinHourlyLimit(senderId) {
  const key = `rate:${senderId}:${Math.floor(Date.now() / HOUR_MS)}`
  const sent = await redis.incr(key)
  if (sent === 1) await redis.expire(key, 2 * 3600)
  return sent <= settings.hourlyLimit
}

async function send(job, token) {
  const email = await prisma.email.findUnique({ where: { id: job.data.emailId } })
  if (!email || email.status === 'SENT') return
  if (!(await isWithinHourlyLimit(email.senderId))) {
    await job.moveToDelayed((Math.floor(Date.now() / HOUR_MS) + 1) * HOUR_MS, token)
    throw new DelayedError()
  }
  const info = await transport.sendMail({
    from: email.fromAddress,
    to: email.toAddress,
    subject: email.subject,
    text: email.body,
  })
  await prisma.email.update({
    where: { id: email.id },
    data: { status: 'SENT', sentAt: new Date(), messageId: info.messageId },
  })
}

const worker = new Worker(QUEUE, send, {
  connection: redis,
  concurrency: settings.concurrency,
  autorun: false,
})
worker.on('failed', (job, error) => console.error(`job ${job?.id} failed: ${error.message}`))
await worker.waitUntilReady()
await prisma.$connect()
await transport.verify()
console.log('ready')
await once(process.stdin, 'data')
worker.run()

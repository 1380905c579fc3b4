// One BullMQ job for every row that waits. Not timed.
import { Queue } from 'bullmq'

import { openPrisma, openRedis, QUEUE } from './connections.mjs'

const BATCH = 1000

const redis = openRedis()
const prisma = openPrisma()
const queue = new Queue(QUEUE, { connection: redis })

const emails = await prisma.email.findMany({ where: { status: 'SCHEDULED' }, select: { id: true } })
for (let start = 0; start < emails.length; start += BATCH) {
  const jobs = emails.slice(start, start + BATCH).map(({ id }) => ({
    name: 'send',
    data: { emailId: id },
    opts: { jobId: id, attempts: 3, removeOnComplete: true },
  }))
  await queue.addBulk(jobs)
}

await queue.close()
await prisma.$disconnect()
redis.disconnect()

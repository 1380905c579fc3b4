// What both programs need: where the servers are, and the one queue.
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '@prisma/client'
import { Redis } from 'ioredis'

export const QUEUE = 'emails'
export const settings = JSON.parse(process.env.PEER_SETTINGS)

export const openRedis = () =>
  new Redis({ path: settings.redisSocket, db: settings.redisDatabase, maxRetriesPerRequest: null })

export const openPrisma = () =>
  new PrismaClient({ adapter: new PrismaPg({ ...settings.postgres, max: settings.databaseConnections }) })

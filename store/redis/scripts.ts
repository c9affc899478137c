/**
 * What runs inside Redis, each script as one step that nothing else comes between. They name no key but those that they are given, so that
 * they run in a Redis Cluster, too. Texts of theirs that clients see are read in `commands.ts`.
 */

/**
 * Returns what stands in the way of `operation` on `id`, if anything does. A write that is sent again because its answer was lost is known by its
 * mark.
 */
const COMPARE = `local current = redis.call('HGET', KEYS[2], id)
local found = current and string.match(current, '^[^\\n]*')
if found and string.sub(found, -#mark) == mark then return {'ok', found} end
if operation == 'create' then
  if found then return {'already-exists', found} end
elseif not found then
  return {'not-found', ''}
elseif expected ~= '' and expected ~= found then
  return {'conflict', found}
end
`;

/**
 * KEYS: head, documents, log. ARGV: create, update or delete; the document's id; the revision that must be there, "" for any; the document;
 * this write's own mark; the cluster it is for, "" for any; what a first write calls the cluster; entries that the log keeps.
 *
 * What a script did before Redis refused a command stays done: a right to write that is lacking must show before the log has grown. A log that
 * ends beyond the head has been written to by somebody else: it begins anew, and followers read everything.
 */
export const WRITE_SCRIPT = `
local operation, id, expected, document, mark, cluster, newCluster, most = unpack(ARGV)
local head = redis.call('HMGET', KEYS[1], 'revision', 'chain', 'cluster')
if cluster ~= '' and head[3] ~= cluster then return {'other-cluster', head[3] or ''} end
${COMPARE}local number = (tonumber(head[1]) or 0) + 1
local text = string.format('%d', number)
local revision = text .. '-' .. mark
local chain = redis.sha1hex((head[2] or '') .. '\\n' .. id .. '\\n' .. revision .. '\\n' .. document)
redis.call('HSET', KEYS[1], 'cluster', head[3] or newCluster)
if operation == 'delete' then redis.call('HDEL', KEYS[2], '') end
local function add(call)
  return call('XADD', KEYS[3], 'MAXLEN', '~', most, text .. '-0',
    'id', id, 'revision', revision, 'document', document, 'chain', chain)
end
local added = add(redis.pcall)
if type(added) == 'table' and added.err then
  if string.find(added.err, 'equal or smaller', 1, true) then redis.call('DEL', KEYS[3]) end
  add(redis.call)
end
if operation == 'delete' then redis.call('HDEL', KEYS[2], id)
else redis.call('HSET', KEYS[2], id, revision .. '\\n' .. document) end
redis.call('HSET', KEYS[1], 'revision', text, 'chain', chain)
return {'ok', revision}
`;

/**
 * Which term of the claimants this is. A new one begins with each primary, and with each start of one: what another had acknowledged may be
 * forgotten. It is settled once as many claimants are back as were in the one before, or after a while. One that follows a term that never was
 * waits for as many as that one did.
 */
const termOf = (key: string) => `local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local now = tonumber(redis.call('TIME')[1])
local term = redis.call('HMGET', ${key}, 'run', 'term', 'since', 'awaited', 'back')
local number, since, awaited, back = tonumber(term[2]) or 0, tonumber(term[3]) or now, tonumber(term[4]) or 0, tonumber(term[5]) or 0
local function left() return settle - math.abs(now - since) end
if term[1] ~= run then
  if back < awaited and left() > 0 then awaited = math.max(awaited, back) else awaited = back end
  number, since, back = number + 1, now, 0
  redis.call('DEL', ${key})
  redis.call('HSET', ${key}, 'run', run, 'term', string.format('%d', number), 'since', string.format('%d', since),
    'awaited', string.format('%d', awaited), 'back', '0')
end
`;

/** KEYS: claimants. ARGV: seconds after which a term is settled anyway; a claimant, "" to be told the term; the term of which he is back. */
export const CLAIMANT_SCRIPT = `
local settle, claimant, of = tonumber(ARGV[1]), ARGV[2], ARGV[3]
${termOf('KEYS[1]')}local token = string.format('%d', number) .. ' ' .. run
if claimant == '' then return token end
if of ~= token then return 'another' end
if redis.call('HSET', KEYS[1], 'back:' .. claimant, '1') == 1 then redis.call('HINCRBY', KEYS[1], 'back', 1) end
return 'back'
`;

/** KEYS: claimants. ARGV: how many are to be waited for, where nobody has claimed anything yet. */
export const EXPECT_SCRIPT = `
if redis.call('HGET', KEYS[1], 'run') then return 0 end
redis.call('HSET', KEYS[1], 'run', '', 'term', '0', 'since', redis.call('TIME')[1], 'awaited', ARGV[1], 'back', '0')
return 1
`;

/**
 * KEYS: head, records, claimants. ARGV: create, update or delete; name; expected revision; document; mark; cluster; what a first write calls it;
 * who claims something new, "" where nobody does; seconds after which a term is settled anyway.
 */
export const RECORD_SCRIPT = `
local operation, id, expected, document, mark, cluster, newCluster, claimant = unpack(ARGV)
local settle = tonumber(ARGV[9])
local known = redis.call('HGET', KEYS[1], 'cluster')
if cluster ~= '' and known ~= cluster then return {'other-cluster', known or ''} end
${COMPARE}if claimant ~= '' then
  ${termOf('KEYS[3]')}  if not redis.call('HGET', KEYS[3], 'back:' .. claimant) then return {'remind', ''} end
  if back < awaited and left() > 0 then return {'settling', string.format('%d %d', awaited - back, left())} end
end
if not known then redis.call('HSET', KEYS[1], 'cluster', newCluster) end
if operation == 'delete' then
  redis.call('HDEL', KEYS[2], id)
  redis.call('HINCRBY', KEYS[1], 'records', 1)
  return {'ok', ''}
end
local revision = string.format('%d', redis.call('HINCRBY', KEYS[1], 'records', 1)) .. '-' .. mark
redis.call('HSET', KEYS[2], id, revision .. '\\n' .. document)
return {'ok', revision}
`;

/** KEYS: head, log. ARGV: the revision that the client knows. */
export const HISTORY_SCRIPT = `
local head = redis.call('HMGET', KEYS[1], 'revision', 'chain', 'cluster', 'copies')
local entry = redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', ARGV[1] .. '-0')[1]
local chain = ''
if entry then
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'chain' then chain = entry[2][i + 1] end
  end
end
return {head[1] or '0', head[2] or '', head[3] or '', head[4] or '0', chain}
`;

const keptCopies = (call: string) => `
local known = tonumber(redis.call('HGET', KEYS[1], 'copies') or '0')
local most = math.max(known, tonumber(ARGV[1]))
${call}('HSET', KEYS[1], 'copies', string.format('%d', most))
return most
`;

/** KEYS: head. ARGV: copies that are there. It keeps the most that were seen, and counts as a write of the connection's. */
export const COPIES_SCRIPT = keptCopies('redis.call');

/** The same of who only reads: what he may not write, or Redis does not take now, is not kept. */
export const NOTE_COPIES_SCRIPT = keptCopies('redis.pcall');

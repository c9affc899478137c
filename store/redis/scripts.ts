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
 */
export const WRITE_SCRIPT = `
local operation, id, expected, document, mark, cluster, newCluster, most = unpack(ARGV)
local head = redis.call('HMGET', KEYS[1], 'revision', 'chain', 'cluster')
if cluster ~= '' and head[3] ~= cluster then return {'other-cluster', head[3] or ''} end
${COMPARE}local number = (tonumber(head[1]) or 0) + 1
local text = string.format('%d', number)
local revision = text .. '-' .. mark
local chain = redis.sha1hex((head[2] or '') .. '\\n' .. id .. '\\n' .. revision .. '\\n' .. document)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', most, text .. '-0',
  'id', id, 'revision', revision, 'document', document, 'chain', chain)
if operation == 'delete' then redis.call('HDEL', KEYS[2], id)
else redis.call('HSET', KEYS[2], id, revision .. '\\n' .. document) end
redis.call('HSET', KEYS[1], 'revision', text, 'chain', chain)
if not head[3] then redis.call('HSET', KEYS[1], 'cluster', newCluster) end
return {'ok', revision}
`;

/** KEYS: head, records. ARGV: create, update or delete; name; expected revision; document; mark; cluster; what a first write calls it. */
export const RECORD_SCRIPT = `
local operation, id, expected, document, mark, cluster, newCluster = unpack(ARGV)
local known = redis.call('HGET', KEYS[1], 'cluster')
if cluster ~= '' and known ~= cluster then return {'other-cluster', known or ''} end
${COMPARE}if not known then redis.call('HSET', KEYS[1], 'cluster', newCluster) end
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

/** KEYS: head. ARGV: copies that are there. It keeps the most that were seen, and counts as a write of the connection's. */
export const COPIES_SCRIPT = `
local known = tonumber(redis.call('HGET', KEYS[1], 'copies') or '0')
local most = math.max(known, tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'copies', string.format('%d', most))
return most
`;

// @ts-check
// What the checker says, in Chinese and English. {name} is filled in as text.

/** @type {Record<string, [string, string]>} */
const WORDS = {
  title: ["核对证据包", "Check an evidence pack"],
  lead: ["把整个压缩包拖到这里,或点下面的按钮选择。文件不会离开这台设备,不需要网络。", "Drop the whole archive here, or choose it with the button. It does not leave this device; no network is needed."],
  choose: ["选择证据包", "Choose the pack"], checking: ["正在核对……", "Checking…"],
  whole: ["完整、未改动", "Whole and unchanged"], changed: ["已被改动或损坏:{count} 处", "Changed or damaged: {count} findings"],
  not_zip: ["这不是证据包", "This is no evidence pack"], failed: ["文件读不出来:{what}", "The file cannot be read: {what}"],
  no_crypto: ["这个浏览器打开本页时不能核对签名。请换一个浏览器,或从本机文件打开。", "This browser cannot check signatures here. Use another one, or open this page from a local file."],
  notes: ["说明", "Notes"], facts: ["查明的事项", "What was established"], findings: ["发现", "Findings"], language: ["English", "中文"],
  place: ["{file}", "{file}"], place_block: ["第 {block} 块", "block {block}"], place_second: ["第 {second} 秒", "second {second}"], zip: ["压缩包", "the archive"],
  kept: ["另外保存的时间戳", "the time stamps kept apart"],
  known: ["我另外知道的", "What I know from elsewhere"], known_says: ["如果有人把签发机构的证书，或另外保存的时间戳交给了您，在这里一起选上，核对得更严。", "If somebody gave you the authority's certificate, or time stamps that were kept apart from the pack, choose them here: the check is stricter."],
  choose_trust: ["信任的签发机构证书（PEM）", "Certificates of authorities I trust (PEM)"], choose_anchors: ["另外保存的时间戳（.jsonl）", "Time stamps kept apart (.jsonl)"], bad_extra: ["{name} 不是这种文件", "{name} is not a file of this kind"],
  not_trusted: ["由 {name} 签发，其签发机构 {root} 不在您信任的之列", "is by {name}, whose authority {root} is not among those you trust"],
  hidden: ["按规定隐去 {from} 至 {to}（{source}）：{cause}", "hidden on purpose from {from} to {to} ({source}): {cause}"],
  ledger: ["房间 {room}：{streams} 路，收到 {received} 包 + 声明缺失 {missing} 包 + 按规定未录 {withheld} 包 + 未说明 {open} 包 = 发出 {sent} 包", "room {room}: {streams} streams, {received} packets received + {missing} declared missing + {withheld} withheld + {open} not said = {sent} sent"],
  ledger_open: ["第 {stream} 路发出的 {sent} 包中有 {count} 包既没有收到也没有声明缺失", "stream {stream}: {count} of {sent} packets sent were neither received nor declared"], ledger_stopped: ["房间 {room} 第 {stream} 路：程序停止，{sent} 包中有 {count} 包没来得及说明", "room {room}, stream {stream}: its writer was stopped before it could account for {count} of {sent} packets"],
  ledger_twice: ["第 {stream} 路有 {count} 包记了两次", "stream {stream}: {count} packets are accounted for twice"], ledger_end: ["第 {stream} 路结束时报的数与记录不符", "stream {stream}: its end says other numbers than the records"],
  trust: ["请把下面的“签发机构”指纹与制作单位另外告知您的核对一致;本页不能替您判断机构是否可信。", "Compare the authority's fingerprint below with the one that the maker gave you in another way; this page cannot tell you whom to trust."],
  measured: ["共核对 {size} MB", "{size} MB checked"],
  bad_header: ["第 {at} 字节处的文件头被改动", "the header at byte {at} was changed"], bad_directory: ["第 {at} 字节处的目录与前面 {count} 个文件不符", "the directory at byte {at} does not match the {count} members before it"],
  member_twice: ["有文件出现两次", "a member is there twice"], missing: ["缺失", "is missing"], not_json: ["内容不可读", "is not readable"], not_listed: ["清单中没有它", "is not listed in the manifest"],
  crc: ["与文件头中的校验值不符", "does not have the CRC that its header says"], manifest_digest: ["与 manifest.digest 不符", "does not have the digest that manifest.digest says"], format: ["不是本格式的证据包", "is not of a pack of this format"],
  size: ["长 {found} 字节,清单写的是 {said}", "has {found} bytes, the manifest says {said}"], sha256: ["SHA-256 与清单不符", "does not have the SHA-256 that the manifest says"], sm3: ["SM3 与清单不符", "does not have the SM3 that the manifest says"],
  keys_unreadable: ["密钥不可读", "an entry is not readable"], other_events: ["与原始记录不符", "is not what the journal says"], film_list: ["影片与影片清单不符", "films and films.json do not fit"],
  segment_header: ["段头不可读", "the segment's header is not readable"], beginning_missing: ["缺少开头", "the journal's beginning is missing"], broken_before_segment: ["此段之前链条断开", "the chain is broken before this segment"],
  unreadable_bytes: ["第 {from} 至 {to} 字节不是可读的块", "bytes {from} to {to} are not a readable block"], out_of_place: ["应为第 {expected} 块:有块缺失或错位", "expected block {expected}: blocks are missing or out of place"],
  broken_before_block: ["此块之前链条断开", "the chain is broken before this block"], block_header: ["块头被改动", "the block's header was changed"], chunk_bytes: ["第 {chunk} 部分的内容被改动", "the bytes of chunk {chunk} were changed"],
  chunk_sm3: ["第 {chunk} 部分与 SM3 不符", "chunk {chunk} does not match its SM3 digest"], wrong_key: ["第 {chunk} 部分的密钥不是原来的", "the key given for chunk {chunk} is not the one it was sealed with"],
  does_not_open: ["第 {chunk} 部分不能用密钥打开", "chunk {chunk} does not open with its key"], record_count: ["第 {chunk} 部分的条数不符", "chunk {chunk} does not hold the records it says"], tail: ["末尾 {count} 字节不是可读的块", "{count} bytes at the end are not a readable block"],
  no_block: ["没有可读的块", "holds no readable block"], other_head: ["止于第 {block} 块,链尾与清单不符", "ends at block {block} with another head than the manifest says"], withheld: ["{count} 处打不开,与清单不符", "{count} chunks do not open; the manifest says otherwise"], event_numbers: ["事件编号不连续", "the events are not numbered without a gap"],
  signature_missing: ["缺失,而清单写明已签名", "is missing; the manifest says that it is signed"], other_signer: ["签名证书不是清单写明的那一张", "is by another certificate than the manifest says"],
  other_bytes: ["签的是别的内容", "is over other bytes"], other_key: ["签名与证书的密钥不符", "was not made with the key of its certificate"], bad_chain: ["证书不是其签发者签的", "brings a certificate that its issuer did not sign"], unknown_algorithm: ["签名算法不认识", "uses an algorithm that this page does not know"],
  proof_unreadable: ["不可读", "is not readable"], pdf_signatures: ["签名不是恰好一个", "does not carry exactly one signature"], pdf_uncovered: ["签名没有覆盖整个文件", "its signature does not cover the whole file"], other_stamp: ["时间戳对应的是别的内容", "is a time stamp of something else"], anchor_unreadable: ["有时间戳条目不可读", "an anchor is not readable"],
  anchored_block_gone: ["不存在,而它在 {at} 已被盖过时间戳", "is not there; its head was stamped at {at}"], rewritten: ["与 {name} 在 {at} 盖的时间戳不符:在那之后被重写", "has another head than {name} stamped at {at}: it was rewritten after that"],
  redated: ["自称写于 {written},而 {at} 已有时间戳", "says it was written at {written}, but was stamped at {at} already"],
  unsigned: ["没有人签名:只能说明未改动,不能说明是谁制作的", "nobody signed it: it shows that nothing changed, not who made it"], unstamped: ["整包没有时间戳:制作时联系不上时间戳机构", "the whole pack carries no time stamp: no authority could be reached when it was made"],
  stamped_late: ["房间 {room} 第 {block} 块写下 {seconds} 秒后,到 {at} 才盖上时间戳", "block {block} of room {room} was stamped only at {at}, {seconds} s after it was written"], uncovered: ["房间 {room} 第 {from} 秒至第 {to} 秒之间没有时间戳", "room {room}: no time stamp between second {from} and second {to}"],
  header_torn: ["{file}:程序停止时段头未写完,后一段已声明", "{file}: its header was not written when the writer stopped; declared by a later segment"], torn_declared: ["{file}:末尾 {count} 字节未写完,后一段已声明", "{file}: {count} bytes of an unfinished block, declared by the segment after it"], torn_end: ["{file}:末尾 {count} 字节未写完,程序停止且没有继续", "{file}: {count} bytes of an unfinished block at the end"],
  not_closed: ["房间 {room} 没有结束事件", "room {room} has no closing event"], made_at: ["制作于 {at}", "made at {at}"], journal: ["房间 {room}:{blocks} 块,{seconds} 秒,{events} 个事件,链尾 {head}", "room {room}: {blocks} blocks, {seconds} s, {events} events, head {head}"],
  signed_by: ["签名:{name},证书 {fingerprint},签发机构 {root}", "signed by {name}, certificate {fingerprint}, authority {root}"], stamped_by: ["时间戳:{name},证书 {fingerprint},签发机构 {root}", "time stamps by {name}, certificate {fingerprint}, authority {root}"],
  complete_at: ["按 {name} 的时钟,{at} 时已是现在这个样子", "complete in this form at {at} by the clock of {name}"], anchored: ["房间 {room}:{count} 次由时间戳固定", "room {room}: {count} heads stamped while it was live or at its end"],
};

/** @param {string} language @param {string} key @param {Record<string, string | number>} [values] */
export const say = (language, key, values = {}) => (WORDS[key] ?? [key, key])[language === "en" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

/** Where a finding is and what it is. @param {string} language @param {import("./bytes.js").Finding} finding */
export function sentence(language, finding) {
  const place = [["zip", "kept"].includes(finding.file) ? say(language, finding.file) : finding.file];
  if (finding.block !== null) place.push(say(language, "place_block", { block: finding.block }));
  if (finding.second !== null) place.push(say(language, "place_second", { second: finding.second.toFixed(1) }));
  return `${place.join(", ")}: ${say(language, finding.key, finding.values)}`;
}

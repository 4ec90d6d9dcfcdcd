// Signed paths, the signature towards the private bucket (AWS SigV4), counters. Only HMAC and text work:
// no bytes of media pass here. `secrets` is preloaded by the configuration.
import crypto from 'crypto';
import fs from 'fs';

// /b/{expires}/{signature}/media/{media_id}/{object}: the raw request line, so nothing encoded, no dot
// segment and no double slash can mean something else further on.
// A literal, because it is compiled once with the file; all else at this level runs again for each request.
const SIGNED = /^\/b\/([0-9]{1,12})\/([A-Za-z0-9_-]{43})\/(media\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/)([A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*){0,3})(?:\?.*)?$/;

function signature(expires, prefix) {
    return crypto.createHmac('sha256', secrets.signing_key).update(expires + ' ' + prefix).digest('base64url');
}

// Takes the same time wherever two texts of one length differ.
function equal(a, b) {
    let difference = a.length ^ b.length;
    for (let i = 0; i < a.length; i++) {
        difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
    }
    return difference === 0;
}

// Asked when nginx does not remember the address. What is remembered has longer to live than the memory.
function verdict(r) {
    const parts = SIGNED.exec(r.variables.request_uri);
    if (!parts || !equal(signature(parts[1], parts[3]), parts[2])) {
        return 'forbidden';
    }
    const left_ms = Number(parts[1]) * 1000 - Date.now();
    if (left_ms > (secrets.remembered_s + 1) * 1000 && r.variables.pop_slot) {
        r.variables.pop_accepted = crypto.createHash('md5')
            .update(secrets.remembering_key + ' ' + r.variables.pop_signed).digest('base64url');
    }
    return left_ms > 0 ? 'ok' : 'expired';
}

function s3Date() {
    return new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function hmac(key, text) {
    return crypto.createHmac('sha256', key).update(text).digest();
}

// AWS Signature Version 4 of a GET (nginx turns HEAD into GET for its cache) without a payload hash.
function s3Authorization(r) {
    const date = r.variables.s3_date, day = date.slice(0, 8);
    const scope = day + '/' + secrets.region + '/s3/aws4_request';
    const request = 'GET\n/' + secrets.bucket + '/' + r.variables.pop_object + '\n\n' +
        'host:' + secrets.s3_host + '\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:' + date +
        '\n\nhost;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD';
    const text = 'AWS4-HMAC-SHA256\n' + date + '\n' + scope + '\n' +
        crypto.createHash('sha256').update(request).digest('hex');
    const key = hmac(hmac(hmac(hmac('AWS4' + secrets.secret_key, day), secrets.region), 's3'), 'aws4_request');
    return 'AWS4-HMAC-SHA256 Credential=' + secrets.access_key + '/' + scope +
        ', SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=' +
        crypto.createHmac('sha256', key).update(text).digest('hex');
}

function known(status) {
    const PROBLEMS = {
        400: ['bad_request', 'This request cannot be read.'],
        403: ['path_forbidden', 'This address is not signed for what it asks. Ask playback for a new one.'],
        404: ['object_not_found', 'There is nothing at this address.'],
        405: ['method_not_allowed', 'Media can only be read.'],
        410: ['path_expired', 'This address has expired. Ask playback for a new one.'],
        413: ['body_not_allowed', 'Media can only be read.'],
        414: ['address_too_long', 'This address is too long.'],
        416: ['range_not_satisfiable', 'The object has no such range.'],
    };
    return PROBLEMS[status] ||
        ['store_unavailable', 'The object store does not answer right now. Try again in a moment.'];
}

// RFC 9457.
function answer(r, status) {
    const said = known(status);
    r.headersOut['Content-Type'] = 'application/problem+json';
    r.return(status, JSON.stringify({status: status, code: said[0], title: said[1]}) + '\n');
}

function problem(r) {
    answer(r, Number(r.variables.status));
}

// A refusal by S3 is our fault (wrong keys), never the viewer's.
function refused(r) {
    answer(r, r.variables.upstream_status ? 502 : 403);
}

// Names its master: after kill -9 of a master its workers still answer, and must not count as healthy.
function healthz(r) {
    r.headersOut['Content-Type'] = 'application/json';
    r.headersOut['Cache-Control'] = 'no-store';
    r.return(200, JSON.stringify({status: 'ok', master_pid: process.ppid}) + '\n');
}

const BUCKETS = ['0.005', '0.025', '0.1', '0.5', '2.5', '10'];

// A line of the access log, up to its duration: what is counted of a request.
const LINE = /"status":(\d+),"bytes":(\d+),"range":"(?:[^"\\]|\\.)*","cache":"(\w*)","duration_s":([\d.]+),/;

function add(sums, key, by) {
    sums[key] = (sums[key] || 0) + by;
}

function count(line, sums) {
    const said = LINE.exec(line);
    if (!said) {
        return;
    }
    const labels = '{status="' + said[1] + '",cache="' + (said[3] || 'NONE') + '"}', seconds = Number(said[4]);
    add(sums, 'mcsp_pop_requests_total' + labels, 1);
    add(sums, 'mcsp_pop_bytes_total' + labels, Number(said[2]));
    add(sums, 'mcsp_pop_request_seconds_sum', seconds);
    add(sums, 'mcsp_pop_request_seconds_count', 1);
    add(sums, 'le:' + (BUCKETS.find((limit) => seconds <= Number(limit)) || '+Inf'), 1);
}

// Each second in one worker: counts the log's new lines, so that no request pays for a call of its own.
function gather() {
    const counters = ngx.shared.counters, buffer = Buffer.alloc(1 << 20), sums = {};
    const log = fs.openSync(secrets.access_log, 'r');
    try {
        const known = counters.get('read_to');
        const start = known === undefined ? secrets.access_log_from : known;
        let at = start > fs.fstatSync(log).size ? 0 : start;
        for (;;) {
            const length = fs.readSync(log, buffer, 0, buffer.length, at);
            const end = buffer.subarray(0, length).lastIndexOf(10) + 1;
            if (end === 0) {
                break;
            }
            buffer.toString('utf8', 0, end).split('\n').forEach((line) => count(line, sums));
            at += end;
        }
        counters.set('read_to', at);
    } finally {
        fs.closeSync(log);
    }
    Object.keys(sums).forEach((key) => counters.incr(key, sums[key], 0));
}

function metrics(r) {
    const counters = ngx.shared.counters;
    let lines = ['# TYPE mcsp_pop_requests_total counter', '# TYPE mcsp_pop_bytes_total counter',
        '# TYPE mcsp_pop_request_seconds histogram'];
    counters.keys().filter((key) => key.startsWith('mcsp_')).sort().forEach((key) => {
        lines.push(key + ' ' + counters.get(key));
    });
    let total = 0;
    BUCKETS.concat('+Inf').forEach((limit) => {
        total += counters.get('le:' + limit) || 0;
        lines.push('mcsp_pop_request_seconds_bucket{le="' + limit + '"} ' + total);
    });
    r.headersOut['Content-Type'] = 'text/plain; version=0.0.4';
    r.headersOut['Cache-Control'] = 'no-store';
    r.return(200, lines.join('\n') + '\n');
}

export default {verdict, s3Date, s3Authorization, problem, refused, healthz, gather, metrics};

/* Written for Redoubt's benchmark; Apache-2.0 like all of it (see LICENSE). */
/* loadgen: HTTP/1.1 load generator for OpenAI-style endpoints. Single thread, epoll. JSON result on stdout.
 *
 *   loadgen --port 8000 --conns 64 --duration 10 --body '{"model":..}' [--key sk-..]... [options]
 *
 *   closed loop (default): each of --conns connections sends its next request when the last one ended.
 *   open loop: --rate R requests/s at fixed spacing over at most --conns connections; latency counts from the
 *              moment a request was due (no coordinated omission).
 *   --requests N     stop after N requests instead of --duration seconds
 *   --warmup S       seconds run and thrown away first (not with --requests)
 *   --stream         the answer is SSE: measure first event, gaps between events, and relay delay (the mock writes
 *                    " t<CLOCK_MONOTONIC ns>" into each token; delay = time read here - that stamp)
 *   --abort-after N --abort-pct P   close P% of streams after N tokens (client disconnects)
 *   --key K          sent as "Authorization: Bearer K"; several are used in turn
 *   --header 'A: b'  further header; --path /v1/chat/completions; --body-file F
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

typedef struct { float *v; size_t n, cap; } Vec;
static void add(Vec *v, double x) { if (v->n == v->cap) v->v = realloc(v->v, (v->cap = v->cap ? v->cap * 2 : 4096) * sizeof *v->v); v->v[v->n++] = x; }
static int cmp(const void *a, const void *b) { float x = *(float *)a, y = *(float *)b; return x < y ? -1 : x > y; }
static Vec lat, ttft, gap, delay, total;

typedef struct Conn {
    int fd, state, status, chunked, body_state, kill_after, ntok, nevent, done_seen, connecting, want_write, conn_close;
    long need; char buf[65536]; size_t len; char line[4096]; size_t llen;
    size_t woff; int req; uint64_t t0, tprev; long ndata;
} Conn;                              /* state: 0 idle, 1 head, 2 body; body_state for chunked: 0 size line, 1 data, 2 crlf, 3 trailer */

static int port = 8000, nconn = 64, stream, abort_after, abort_pct, nreq; static double duration = 10, warmup = 0, rate = 0;
static long max_requests; static char *path = "/v1/chat/completions", *body = NULL, *hdrs[16], *keys[4096]; static int nh, nkeys;
static char **reqs; static size_t *reqlen;
static uint64_t ok, errors, non2xx, aborted, events, tokens, bytes, incomplete, sent, errstream; static int ep; static uint64_t tstart, tend, tmeasure; static int measuring;
static char firsterr[512]; static int live; static Conn *conns;
static uint64_t next_due, qhead; static double step_ns; static long qn; /* open loop backlog: dues are qhead, qhead+step, .. */

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec; }
static void ioset(Conn *c, int w) { if (c->want_write == w) return; struct epoll_event e = {EPOLLIN | (w ? EPOLLOUT : 0), {.ptr = c}}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); c->want_write = w; }
static void dial(Conn *c) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}; int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connect(c->fd, (void *)&a, sizeof a); c->connecting = 1; c->want_write = 1; c->len = 0;
    struct epoll_event e = {EPOLLIN | EPOLLOUT, {.ptr = c}}; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void note(const char *s, size_t n) { if (firsterr[0]) return; if (n > 400) n = 400; size_t o = 0; for (size_t i = 0; i < n; i++) firsterr[o++] = (s[i] == '"' || s[i] == '\\' || (unsigned char)s[i] < 32) ? '.' : s[i]; firsterr[o] = 0; }
static void push_out(Conn *c) {
    size_t n = reqlen[c->req];
    while (c->woff < n) {
        ssize_t w = write(c->fd, reqs[c->req] + c->woff, n - c->woff);
        if (w < 0) { if (errno == EAGAIN) { ioset(c, 1); return; } return; }
        c->woff += w;
    }
    ioset(c, 0);
}
static int stopping(uint64_t t) { return max_requests ? (long)sent >= max_requests : t >= tend; }
static void start(Conn *c, uint64_t due) {
    c->req = nreq++ % (nkeys ? nkeys : 1); c->woff = 0; c->state = 1; c->status = 0; c->chunked = 0; c->body_state = 0; c->llen = 0; c->need = -1;
    c->nevent = c->ntok = c->done_seen = c->conn_close = 0; c->t0 = due; c->tprev = 0; c->ndata = 0; sent++; live++;
    c->kill_after = (abort_after && (int)(random() % 100) < abort_pct) ? abort_after : 0;
    if (!c->connecting) push_out(c);
}
static void next(Conn *c) {
    uint64_t t = now_ns(); c->state = 0;
    if (stopping(t)) return;
    if (rate <= 0) { start(c, t); return; }
    if (qn > 0) { qn--; uint64_t d = qhead; qhead += step_ns; start(c, d); }
}
static void redial(Conn *c) { close(c->fd); dial(c); }
static void fail(Conn *c, const char *why) { if (c->state) { live--; if (measuring) errors++; note(why, strlen(why)); } redial(c); next(c); }
static void finish(Conn *c) {
    uint64_t t = now_ns(); live--;
    if (measuring) {
        if (c->status / 100 != 2) { non2xx++; }
        else {
            if (stream && !c->done_seen) incomplete++;
            ok++;
            if (stream) add(&total, (t - c->t0) / 1e3); else add(&lat, (t - c->t0) / 1e3);
        }
    }
    if (c->conn_close) redial(c);
    next(c);
}
/* one body byte run; returns 1 if the connection was dropped on purpose */
static int eat(Conn *c, const char *p, size_t n, uint64_t t) {
    if (measuring) bytes += n;
    if (c->status / 100 != 2) { note(p, n); return 0; }
    c->ndata += n;
    if (!stream) return 0;
    while (n) {
        const char *nl = memchr(p, '\n', n); size_t k = nl ? (size_t)(nl - p) : n;
        size_t room = sizeof c->line - 1 - c->llen, cp = k < room ? k : room;
        memcpy(c->line + c->llen, p, cp); c->llen += cp;
        if (!nl) return 0;
        p += k + 1; n -= k + 1; c->line[c->llen] = 0; size_t L = c->llen; c->llen = 0;
        if (L < 5 || strncmp(c->line, "data:", 5)) continue;
        if (strstr(c->line, "[DONE]")) { c->done_seen = 1; continue; }
        if (strstr(c->line, "\"error\"") && measuring) { errstream++; note(c->line, L); }
        if (measuring) { events++; if (!c->nevent) add(&ttft, (t - c->t0) / 1e3); }
        c->nevent++;
        char *s = strstr(c->line, "\" t");
        if (s) {
            c->ntok++;
            uint64_t ts = strtoull(s + 3, NULL, 10);
            if (measuring) { tokens++; if (ts) add(&delay, ((double)t - (double)ts) / 1e3); if (c->tprev) add(&gap, (t - c->tprev) / 1e3); }
            c->tprev = t;
            if (c->kill_after && c->ntok >= c->kill_after) { live--; if (measuring) aborted++; redial(c); next(c); return 1; }
        }
    }
    return 0;
}
static void readable(Conn *c) {
    for (;;) {
        ssize_t r = read(c->fd, c->buf + c->len, sizeof c->buf - c->len);
        if (r < 0) { if (errno == EAGAIN) return; fail(c, strerror(errno)); return; }
        if (r == 0) {
            if (c->state == 2 && c->need == -2) { c->conn_close = 1; c->len = 0; finish(c); return; }
            if (c->state == 0) { redial(c); return; }
            fail(c, "closed by peer"); return;
        }
        c->len += r; uint64_t t = now_ns(); size_t i = 0;
        while (i < c->len || (c->state == 2 && c->need == 0 && !c->chunked)) {
            if (c->state == 0) { i = c->len; break; }
            if (c->state == 1) {
                char *e = memmem(c->buf + i, c->len - i, "\r\n\r\n", 4); if (!e) break;
                char *h = c->buf + i; c->status = atoi(h + 9); c->need = -2; c->chunked = 0;
                if (!strncmp(h, "HTTP/1.0", 8)) c->conn_close = 1;
                for (char *p = h; p < e;) {
                    char *nl = memchr(p, '\n', e + 2 - p); if (!nl || nl >= e) break; p = nl + 1;
                    if (!strncasecmp(p, "content-length:", 15)) c->need = atol(p + 15);
                    else if (!strncasecmp(p, "transfer-encoding:", 18)) c->chunked = 1;
                    else if (!strncasecmp(p, "connection: close", 17)) c->conn_close = 1;
                }
                i = e - c->buf + 4; c->state = 2; c->body_state = 0;
                continue;
            }
            if (c->chunked) {
                if (c->body_state == 0 || c->body_state == 3) {
                    char *e = memmem(c->buf + i, c->len - i, "\r\n", 2); if (!e) break;
                    if (c->body_state == 3) { int empty = e == c->buf + i; i = e - c->buf + 2; if (empty) { memmove(c->buf, c->buf + i, c->len - i); c->len -= i; i = 0; finish(c); if (c->connecting) return; } continue; }
                    c->need = strtol(c->buf + i, NULL, 16); i = e - c->buf + 2; c->body_state = c->need ? 1 : 3;
                } else if (c->body_state == 1) {
                    size_t k = c->len - i < (size_t)c->need ? c->len - i : (size_t)c->need;
                    if (eat(c, c->buf + i, k, t)) return;
                    i += k; c->need -= k; if (!c->need) { c->body_state = 2; c->need = 2; }
                } else { size_t k = c->len - i < (size_t)c->need ? c->len - i : (size_t)c->need; i += k; c->need -= k; if (!c->need) c->body_state = 0; }
            } else {
                size_t k = c->len - i; if (c->need >= 0 && k > (size_t)c->need) k = c->need;
                if (k && eat(c, c->buf + i, k, t)) return;
                i += k; if (c->need >= 0) { c->need -= k; if (!c->need) { memmove(c->buf, c->buf + i, c->len - i); c->len -= i; i = 0; finish(c); if (c->connecting) return; } }
            }
        }
        memmove(c->buf, c->buf + i, c->len - i); c->len -= i;
        if (c->len == sizeof c->buf) { fail(c, "header too large"); return; }
    }
}
static void pr(const char *name, Vec *v) {
    if (!v->n) return;
    qsort(v->v, v->n, sizeof *v->v, cmp); double s = 0; for (size_t i = 0; i < v->n; i++) s += v->v[i];
#define Q(q) v->v[(size_t)((v->n - 1) * q)]
    printf(",\"%s\":{\"n\":%zu,\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name, v->n, s / v->n, Q(.5), Q(.9), Q(.99), Q(.999), v->v[v->n - 1]);
}
int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        char *o = argv[i];
        if (!strcmp(o, "--stream")) { stream = 1; continue; }
        if (i + 1 >= argc) { fprintf(stderr, "option %s?\n", o); return 2; }
        char *v = argv[++i];
        if (!strcmp(o, "--port")) port = atoi(v); else if (!strcmp(o, "--conns")) nconn = atoi(v); else if (!strcmp(o, "--duration")) duration = atof(v);
        else if (!strcmp(o, "--warmup")) warmup = atof(v); else if (!strcmp(o, "--rate")) rate = atof(v); else if (!strcmp(o, "--requests")) max_requests = atol(v);
        else if (!strcmp(o, "--path")) path = v; else if (!strcmp(o, "--body")) body = v; else if (!strcmp(o, "--key")) keys[nkeys++ % 4096] = v; else if (!strcmp(o, "--header")) hdrs[nh++ % 16] = v;
        else if (!strcmp(o, "--abort-after")) abort_after = atoi(v); else if (!strcmp(o, "--abort-pct")) abort_pct = atoi(v);
        else if (!strcmp(o, "--body-file")) { FILE *f = fopen(v, "rb"); if (!f) { perror(v); return 1; } body = calloc(1, 1 << 22); if (fread(body, 1, (1 << 22) - 1, f)) {} fclose(f); }
        else { fprintf(stderr, "unknown option %s\n", o); return 2; }
    }
    int nr = nkeys ? nkeys : 1; reqs = calloc(nr, sizeof *reqs); reqlen = calloc(nr, sizeof *reqlen);
    for (int k = 0; k < nr; k++) {
        size_t cap = 4096 + (body ? strlen(body) : 0); char *b = reqs[k] = malloc(cap);
        int n = snprintf(b, cap, "%s %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept: */*\r\nuser-agent: loadgen\r\n", body ? "POST" : "GET", path, port);
        if (nkeys) n += snprintf(b + n, cap - n, "authorization: Bearer %s\r\n", keys[k]);
        for (int j = 0; j < nh; j++) n += snprintf(b + n, cap - n, "%s\r\n", hdrs[j]);
        if (body) n += snprintf(b + n, cap - n, "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(body), body); else n += snprintf(b + n, cap - n, "\r\n");
        reqlen[k] = n;
    }
    ep = epoll_create1(0); conns = calloc(nconn, sizeof *conns);
    int tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); struct epoll_event te = {EPOLLIN, {.ptr = NULL}}; epoll_ctl(ep, EPOLL_CTL_ADD, tfd, &te);
    for (int i = 0; i < nconn; i++) dial(&conns[i]);
    tstart = now_ns(); tmeasure = tstart + (max_requests ? 0 : (uint64_t)(warmup * 1e9)); tend = tmeasure + (uint64_t)(duration * 1e9); measuring = max_requests || warmup == 0;
    if (rate > 0) { step_ns = 1e9 / rate; next_due = tstart; struct itimerspec s = {{0, 500000}, {0, 500000}}; timerfd_settime(tfd, 0, &s, NULL); }
    else { for (int i = 0; i < nconn; i++) if (!stopping(0)) start(&conns[i], now_ns()); struct itimerspec s = {{0, 10000000}, {0, 10000000}}; timerfd_settime(tfd, 0, &s, NULL); }
    struct epoll_event evs[256]; uint64_t t; int rr = 0; long maxq = 0;
    for (;;) {
        int n = epoll_wait(ep, evs, 256, 100); t = now_ns();
        if (!measuring && t >= tmeasure) { measuring = 1; tmeasure = t; tend = t + (uint64_t)(duration * 1e9); }
        for (int i = 0; i < n; i++) {
            Conn *c = evs[i].data.ptr; if (!c) { uint64_t x; if (read(tfd, &x, 8)) {} continue; }
            if (c->connecting) {
                if (evs[i].events & (EPOLLERR | EPOLLHUP)) { c->connecting = 0; usleep(1000); fail(c, "connect"); continue; }
                if (!(evs[i].events & EPOLLOUT)) continue;
                c->connecting = 0; if (c->state == 1 && c->woff == 0) push_out(c); else ioset(c, 0);
                continue;
            }
            if (evs[i].events & EPOLLOUT) push_out(c);
            if (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
        }
        if (rate > 0 && !stopping(t)) {
            while (next_due <= t && !stopping(t)) { if (!qn) qhead = next_due; qn++; next_due += step_ns; }
            if (qn > maxq) maxq = qn;
            for (int i = 0; i < nconn && qn; i++) { Conn *c = &conns[(rr + i) % nconn]; if (c->state == 0) { qn--; uint64_t d = qhead; qhead += step_ns; start(c, d); rr++; } }
        }
        if (max_requests ? ((long)sent >= max_requests && !live) : t >= tend) break;
    }
    double el = (now_ns() - tmeasure) / 1e9;
    printf("{\"ok\":%llu,\"errors\":%llu,\"non2xx\":%llu,\"aborted\":%llu,\"incomplete\":%llu,\"stream_errors\":%llu,\"seconds\":%.3f,\"rps\":%.1f,\"events\":%llu,\"tokens\":%llu,\"bytes\":%llu,\"sent\":%llu,\"max_backlog\":%ld",
        (unsigned long long)ok, (unsigned long long)errors, (unsigned long long)non2xx, (unsigned long long)aborted, (unsigned long long)incomplete, (unsigned long long)errstream, el, ok / el, (unsigned long long)events, (unsigned long long)tokens, (unsigned long long)bytes, (unsigned long long)sent, maxq);
    pr("lat_us", &lat); pr("ttft_us", &ttft); pr("gap_us", &gap); pr("delay_us", &delay); pr("total_us", &total);
    printf(",\"first_error\":\"%s\"}\n", firsterr); return 0;
}

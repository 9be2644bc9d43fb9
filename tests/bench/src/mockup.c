/* Written for Redoubt's benchmark; Apache-2.0 like all of it (see LICENSE). */
/* mockup: a mock vLLM OpenAI-compatible upstream. Single thread, epoll.
 *
 *   mockup --port 9000 [--latency-us 0] [--tokens 100] [--interval-us 5000] [--pad 512]
 *
 * POST /v1/chat/completions | /v1/completions
 *    non-stream: JSON (about 1 KB with the default --pad) after latency-us
 *    stream:     SSE; role chunk after latency-us, then one chunk per token every interval-us, then a finish chunk,
 *                a usage chunk when the request holds "include_usage", then [DONE].
 *                Token count = "max_tokens" of the request when it is there, else --tokens.
 *                Each token's text is " t<CLOCK_MONOTONIC ns>", so a reader on the same machine can tell its relay delay.
 * POST /v1/embeddings, GET /v1/models, GET /health, GET /version
 * GET /__set?latency_us=..&interval_us=..&tokens=..&fail_every=..   change settings at run time
 * GET /__stats    counters: requests of any kind, generations, streams started / finished / aborted, open connections, live streams
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

typedef struct Conn {
    int fd, closed, state;            /* state: 0 reading, 1 waiting to answer, 2 streaming */
    char *in; size_t inlen, incap;
    char *out; size_t outlen, outoff, outcap;
    int want_write, tokens_left, ntok, usage, first, in_heap, close_after, is_completion;
    uint64_t due; struct Conn *next_free;
} Conn;

static long latency_us = 0, interval_us = 5000, tokens_default = 100, pad = 512, fail_every = 0;
static uint64_t n_req, n_gen, n_stream, n_done, n_abort, n_conn_total, n_fail; static long n_open, n_live;
static int ep, tfd; static Conn **heap; static size_t hn, hcap; static char *padding;
static Conn *dead;

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec; }

static uint64_t armed;
static void arm(void) {
    uint64_t due = hn ? heap[0]->due : 0;
    if (due == armed) return;
    armed = due;
    struct itimerspec s = {{0, 0}, {due / 1000000000ull, due % 1000000000ull}};
    timerfd_settime(tfd, TFD_TIMER_ABSTIME, &s, NULL);
}
static void hpush(Conn *c, uint64_t due) {
    c->due = due; c->in_heap = 1;
    if (hn == hcap) heap = realloc(heap, (hcap = hcap ? hcap * 2 : 1024) * sizeof *heap);
    size_t i = hn++;
    while (i && heap[(i - 1) / 2]->due > due) { heap[i] = heap[(i - 1) / 2]; i = (i - 1) / 2; }
    heap[i] = c;
}
static Conn *hpop(void) {
    Conn *r = heap[0], *l = heap[--hn]; size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= hn) break;
        if (k + 1 < hn && heap[k + 1]->due < heap[k]->due) k++;
        if (heap[k]->due >= l->due) break;
        heap[i] = heap[k]; i = k;
    }
    heap[i] = l; r->in_heap = 0; return r;
}
static void put(Conn *c, const char *s, size_t n) {
    if (c->outlen + n > c->outcap) { c->outcap = (c->outlen + n) * 2; c->out = realloc(c->out, c->outcap); }
    memcpy(c->out + c->outlen, s, n); c->outlen += n;
}
static void cclose(Conn *c) {
    if (c->closed) return;
    if (c->state == 2) { n_abort++; n_live--; }
    c->closed = 1; close(c->fd); n_open--;
    c->next_free = dead; dead = c;
}
static void flush(Conn *c) {
    while (c->outoff < c->outlen) {
        ssize_t w = write(c->fd, c->out + c->outoff, c->outlen - c->outoff);
        if (w < 0) {
            if (errno == EAGAIN) {
                if (!c->want_write) { struct epoll_event e = {EPOLLIN | EPOLLOUT, {.ptr = c}}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); c->want_write = 1; }
                return;
            }
            cclose(c); return;
        }
        c->outoff += w;
    }
    c->outoff = c->outlen = 0;
    if (c->want_write) { struct epoll_event e = {EPOLLIN, {.ptr = c}}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); c->want_write = 0; }
    if (c->close_after) cclose(c);
}
static void plain(Conn *c, int code, const char *type, const char *body, size_t n) {
    char h[256];
    int k = snprintf(h, sizeof h, "HTTP/1.1 %d %s\r\nserver: mock\r\ncontent-type: %s\r\ncontent-length: %zu\r\n\r\n", code, code == 200 ? "OK" : "Error", type, n);
    put(c, h, k); put(c, body, n); flush(c);
}
static void sse(Conn *c, const char *json, size_t n) {
    char h[32]; int k = snprintf(h, sizeof h, "%zx\r\ndata: ", n + 8);
    put(c, h, k); put(c, json, n); put(c, "\n\n\r\n", 4);
}
#define HEAD "{\"id\":\"chatcmpl-%08llx\",\"object\":\"chat.completion%s\",\"created\":1763800000,\"model\":\"mock\",\"choices\":[%s"
static void answer(Conn *c) {
    char b[8192]; int k;
    if (c->is_completion == 2) {
        k = snprintf(b, sizeof b, "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.1,0.2,0.3,0.4]}],\"model\":\"mock\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}");
    } else {
        k = snprintf(b, sizeof b, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion\",\"created\":1763800000,\"model\":\"mock\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"t%llu %s\",\"refusal\":null,\"tool_calls\":[],\"reasoning_content\":null},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":42,\"total_tokens\":142,\"completion_tokens\":100,\"prompt_tokens_details\":null},\"prompt_logprobs\":null,\"kv_transfer_params\":null}",
                     (unsigned long long)n_req, (unsigned long long)now_ns(), padding);
    }
    c->state = 0; plain(c, 200, "application/json", b, k);
}
static void stream_step(Conn *c) {
    char b[1024]; int k; unsigned long long id = (unsigned long long)(uintptr_t)c;
    if (c->first) {
        c->first = 0;
        static const char h[] = "HTTP/1.1 200 OK\r\nserver: mock\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
        put(c, h, sizeof h - 1);
        k = snprintf(b, sizeof b, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion.chunk\",\"created\":1763800000,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}", id);
        sse(c, b, k);
    }
    do {
        if (c->tokens_left > 0) {
            c->tokens_left--;
            k = snprintf(b, sizeof b, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion.chunk\",\"created\":1763800000,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" t%llu\"},\"logprobs\":null,\"finish_reason\":null}]}", id, (unsigned long long)now_ns());
            sse(c, b, k);
        } else {
            k = snprintf(b, sizeof b, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion.chunk\",\"created\":1763800000,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":null}]}", id);
            sse(c, b, k);
            if (c->usage) {
                k = snprintf(b, sizeof b, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion.chunk\",\"created\":1763800000,\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":42,\"total_tokens\":%d,\"completion_tokens\":%d}}", id, 42 + c->ntok, c->ntok);
                sse(c, b, k);
            }
            sse(c, "[DONE]", 6); put(c, "0\r\n\r\n", 5);
            c->state = 0; n_done++; n_live--; flush(c); return;
        }
    } while (interval_us == 0);
    hpush(c, c->due + interval_us * 1000ull);   /* fixed pace: no drift */
    flush(c);
}
static long qnum(const char *s, const char *key, long def) { const char *p = strstr(s, key); if (!p) return def; p += strlen(key); while (*p == ' ' || *p == ':' || *p == '=') p++; return (*p >= '0' && *p <= '9') ? atol(p) : def; }

static void handle(Conn *c, char *line, char *body, size_t blen) {
    char save = body[blen]; body[blen] = 0;
    n_req++;
    if (!strncmp(line, "POST /v1/chat/completions", 25) || !strncmp(line, "POST /v1/completions", 20) || !strncmp(line, "POST /v1/embeddings", 19)) {
        n_gen++; c->is_completion = line[9] == 'e' ? 2 : 0;
        if (fail_every && n_req % fail_every == 0) {
            n_fail++; plain(c, 500, "application/json", "{\"error\":{\"message\":\"mock failure\",\"type\":\"InternalServerError\",\"code\":500}}", 76);
        } else {
            char *s = strstr(body, "\"stream\""); int st = 0;
            if (s) { s += 8; while (*s == ' ' || *s == ':') s++; st = !strncmp(s, "true", 4); }
            if (st) {
                n_stream++; n_live++; c->state = 2; c->first = 1; c->usage = 0;
                char *u = strstr(body, "\"include_usage\""); if (u) { u += 15; while (*u == ' ' || *u == ':') u++; c->usage = !strncmp(u, "true", 4); }
                c->ntok = c->tokens_left = qnum(body, "\"max_tokens\"", tokens_default);
                if (latency_us) hpush(c, now_ns() + latency_us * 1000ull); else { c->due = now_ns(); stream_step(c); }
            } else if (latency_us) { c->state = 1; hpush(c, now_ns() + latency_us * 1000ull); }
            else answer(c);
        }
    } else if (!strncmp(line, "GET /v1/models", 14)) {
        static const char m[] = "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\",\"created\":1763800000,\"owned_by\":\"vllm\",\"root\":\"mock\",\"parent\":null,\"max_model_len\":32768}]}";
        plain(c, 200, "application/json", m, sizeof m - 1);
    } else if (!strncmp(line, "GET /__set?", 11)) {
        char *e = strstr(line, " HTTP"); char s2 = 0; if (e) { s2 = *e; *e = 0; }
        latency_us = qnum(line, "latency_us", latency_us); interval_us = qnum(line, "interval_us", interval_us);
        tokens_default = qnum(line, "tokens", tokens_default); fail_every = qnum(line, "fail_every", fail_every);
        if (e) *e = s2;
        plain(c, 200, "application/json", "{}", 2);
    } else if (!strncmp(line, "GET /__stats", 12)) {
        char b[512]; int k = snprintf(b, sizeof b, "{\"requests\":%llu,\"generations\":%llu,\"streams\":%llu,\"finished\":%llu,\"aborted\":%llu,\"failed\":%llu,\"conns_total\":%llu,\"open\":%ld,\"live_streams\":%ld}",
            (unsigned long long)n_req, (unsigned long long)n_gen, (unsigned long long)n_stream, (unsigned long long)n_done, (unsigned long long)n_abort, (unsigned long long)n_fail, (unsigned long long)n_conn_total, n_open, n_live);
        plain(c, 200, "application/json", b, k);
    } else plain(c, 200, "application/json", "{\"version\":\"0.11.0\"}", 20);
    if (!c->closed) body[blen] = save;
}
/* de-chunk in place; returns 1 when complete, sets *blen and *used */
static int dechunk(char *p, size_t n, size_t *blen, size_t *used) {
    size_t i = 0, o = 0;
    /* first pass: is it whole? */
    for (;;) {
        char *e = memmem(p + i, n - i, "\r\n", 2); if (!e) return 0;
        size_t sz = strtoul(p + i, NULL, 16); i = (e - p) + 2;
        if (i + sz + 2 > n) return 0;
        i += sz + 2;
        if (!sz) break;
    }
    *used = i; i = 0;
    for (;;) {
        char *e = memmem(p + i, n - i, "\r\n", 2); size_t sz = strtoul(p + i, NULL, 16); i = (e - p) + 2;
        if (!sz) break;
        memmove(p + o, p + i, sz); o += sz; i += sz + 2;
    }
    *blen = o; return 1;
}
static void parse(Conn *c) {
    while (c->state == 0 && !c->closed && c->inlen) {
        char *e = memmem(c->in, c->inlen, "\r\n\r\n", 4);
        if (!e) return;
        size_t hl = e - c->in + 4, blen = 0, used = 0; int chunked = 0;
        for (char *p = c->in; p < e;) {
            char *nl = memchr(p, '\n', e + 2 - p); if (!nl) break;
            p = nl + 1;
            if (!strncasecmp(p, "content-length:", 15)) blen = strtoul(p + 15, NULL, 10);
            else if (!strncasecmp(p, "transfer-encoding:", 18)) chunked = 1;
            else if (!strncasecmp(p, "expect:", 7)) { put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25); flush(c); memset(p, 'x', 6); }
        }
        if (chunked) { if (!dechunk(c->in + hl, c->inlen - hl, &blen, &used)) return; }
        else { if (c->inlen - hl < blen) return; used = blen; }
        handle(c, c->in, c->in + hl, blen);
        if (c->closed) return;
        memmove(c->in, c->in + hl + used, c->inlen - hl - used); c->inlen -= hl + used;
    }
}
int main(int argc, char **argv) {
    int port = 9000; signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port")) port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--latency-us")) latency_us = atol(argv[i + 1]);
        else if (!strcmp(argv[i], "--interval-us")) interval_us = atol(argv[i + 1]);
        else if (!strcmp(argv[i], "--tokens")) tokens_default = atol(argv[i + 1]);
        else if (!strcmp(argv[i], "--pad")) pad = atol(argv[i + 1]);
        else { fprintf(stderr, "unknown option %s\n", argv[i]); return 2; }
    }
    if (pad > 6000) pad = 6000;
    padding = malloc(pad + 1); for (long i = 0; i < pad; i++) padding[i] = "lorem ipsum dolor sit amet "[i % 27]; padding[pad] = 0;
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) { perror("bind"); return 1; }
    ep = epoll_create1(0); tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    static char LS, TF;
    struct epoll_event ev = {EPOLLIN, {.ptr = &LS}}; epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
    ev.data.ptr = &TF; epoll_ctl(ep, EPOLL_CTL_ADD, tfd, &ev);
    struct epoll_event evs[512];
    for (;;) {
        arm();
        int n = epoll_wait(ep, evs, 512, -1);
        for (int i = 0; i < n; i++) {
            if (evs[i].data.ptr == &LS) {
                int fd;
                while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    Conn *c = calloc(1, sizeof *c); c->fd = fd; n_open++; n_conn_total++;
                    struct epoll_event e = {EPOLLIN, {.ptr = c}}; epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
                }
                continue;
            }
            if (evs[i].data.ptr == &TF) { uint64_t x; if (read(tfd, &x, 8)) {} armed = 0; continue; }
            Conn *c = evs[i].data.ptr;
            if (c->closed) continue;
            if (evs[i].events & EPOLLOUT) flush(c);
            if (c->closed || !(evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) { if (!c->closed) parse(c); continue; }
            if (c->incap - c->inlen < 8192) c->in = realloc(c->in, (c->incap = c->incap * 2 + 16384));
            ssize_t r = read(c->fd, c->in + c->inlen, c->incap - c->inlen - 1);
            if (r <= 0) { if (r == 0 || errno != EAGAIN) cclose(c); continue; }
            c->inlen += r; parse(c);
        }
        uint64_t t = now_ns();
        while (hn && heap[0]->due <= t) {
            Conn *c = hpop();
            if (c->closed) continue;
            if (c->state == 1) answer(c); else if (c->state == 2) stream_step(c);
            if (!c->closed) parse(c);
        }
        Conn **pp = &dead;
        while (*pp) { Conn *c = *pp; if (c->in_heap) { pp = &c->next_free; continue; } *pp = c->next_free; free(c->in); free(c->out); free(c); }
    }
}

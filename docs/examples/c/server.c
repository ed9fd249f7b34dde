// A server that takes its listening socket from whoever starts it, as sd_listen_fds(3) says: it is descriptor 3.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTEN_FD = 3, THREADS = 4, MOST = 65536 };

static char version[64];

static void answer(int client, const char *body, size_t length) {
    char head[256];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\nX-Version: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                        version, length);
    if (write(client, head, size) < 0 || write(client, body, length) < 0) perror("write");
}

// One request per connection, its body echoed.
static void serve(int client) {
    char request[MOST + 1];
    size_t size = 0, length = 0;
    char *body = NULL;
    for (;;) {
        ssize_t got = read(client, request + size, MOST - size);
        if (got <= 0) return;
        request[size += got] = '\0';
        if (body == NULL && (body = strstr(request, "\r\n\r\n")) != NULL) {
            char *field = strcasestr(request, "\r\nContent-Length:");
            body += 4;
            length = field != NULL && field < body ? strtoul(field + 17, NULL, 10) : 0;
        }
        if (body != NULL && size - (body - request) >= length) break;
    }
    if (strncmp(request, "GET /healthz ", 13) == 0) answer(client, "ok\n", 3);
    else answer(client, body, length);
}

static void *accept_all(void *unused) {
    for (;;) {
        int client = accept(LISTEN_FD, NULL, NULL);
        if (client < 0) continue;
        serve(client);
        close(client);
    }
    return unused;
}

int main(void) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid == NULL || atol(pid) != getpid() || count == NULL || atoi(count) != 1) {
        fputs("no listening socket was passed on\n", stderr);
        return 2;
    }
    FILE *file = fopen("version", "r");
    if (file == NULL || fscanf(file, "%63s", version) != 1) return 2;
    fclose(file);

    signal(SIGPIPE, SIG_IGN);
    pthread_t thread;
    for (int i = 1; i < THREADS; i++) pthread_create(&thread, NULL, accept_all, NULL);
    accept_all(NULL);
}

/* Records the order in which a process changes and syncs the files of one folder, so that a test can replay it up to
 * any moment without what was not synced. Loaded into a process with LD_PRELOAD; the folder is in POWER_LOSS_FOLDER,
 * the record goes to POWER_LOSS_LOG. A record is kind, length of the path, offset, length of the data (each 8 bytes,
 * this machine's order), path and data. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { CREATE = 1, WRITE = 2, TRUNCATE = 3, SYNC = 4, UNLINK = 5, RENAME = 6 };
enum { MOST = 4096 };

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char *paths[MOST];
static const char *folder;
static int record_to = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = REAL(write)(record_to, at, length);
        if (written <= 0) abort();
        at += written;
        length -= (size_t)written;
    }
}

static void record(uint64_t kind, const char *path, uint64_t offset, const void *data, uint64_t length) {
    uint64_t head[4] = {kind, strlen(path), offset, length};
    put(head, sizeof head);
    put(path, head[1]);
    if (data != NULL) put(data, length);
}

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("POWER_LOSS_LOG");
    folder = getenv("POWER_LOSS_FOLDER");
    if (log == NULL || folder == NULL) return;
    record_to = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Shared memory is nobody's after a power loss. */
static int is_ours(const char *path) {
    size_t length = strlen(path);
    if (record_to < 0 || strncmp(path, folder, strlen(folder)) != 0) return 0;
    return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static const char *path_of(int fd) { return fd >= 0 && fd < MOST ? paths[fd] : NULL; }

static int opened(const char *path, int flags, int fd, int was_there) {
    if (fd < 0 || fd >= MOST) return fd;
    free(paths[fd]);
    paths[fd] = NULL;
    if (!is_ours(path)) return fd;
    paths[fd] = strdup(path);
    if ((flags & O_CREAT) && !was_there) record(CREATE, path, 0, NULL, 0);
    if (flags & O_TRUNC) record(TRUNCATE, path, 0, NULL, 0);
    return fd;
}

#define OPEN(name)                                                   \
    int name(const char *path, int flags, ...) {                     \
        va_list more;                                                \
        va_start(more, flags);                                       \
        mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0;  \
        va_end(more);                                                \
        pthread_mutex_lock(&turn);                                   \
        int there = access(path, F_OK) == 0;                         \
        int fd = opened(path, flags, REAL(name)(path, flags, mode), there); \
        pthread_mutex_unlock(&turn);                                 \
        return fd;                                                   \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    pthread_mutex_lock(&turn);
    if (path_of(fd) != NULL) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    int result = REAL(close)(fd);
    pthread_mutex_unlock(&turn);
    return result;
}

#define PWRITE(name, offset_type)                                              \
    ssize_t name(int fd, const void *data, size_t length, offset_type offset) { \
        pthread_mutex_lock(&turn);                                             \
        ssize_t written = REAL(name)(fd, data, length, offset);                \
        if (path_of(fd) != NULL && written > 0)                                \
            record(WRITE, path_of(fd), (uint64_t)offset, data, (uint64_t)written); \
        pthread_mutex_unlock(&turn);                                           \
        return written;                                                        \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t length) {
    pthread_mutex_lock(&turn);
    uint64_t offset = path_of(fd) == NULL ? 0 : (uint64_t)lseek(fd, 0, SEEK_CUR);
    ssize_t written = REAL(write)(fd, data, length);
    if (path_of(fd) != NULL && written > 0) record(WRITE, path_of(fd), offset, data, (uint64_t)written);
    pthread_mutex_unlock(&turn);
    return written;
}

#define ONE(name, kind, type)                                                       \
    int name(int fd, type size) {                                                   \
        pthread_mutex_lock(&turn);                                                  \
        int result = REAL(name)(fd, size);                                          \
        if (path_of(fd) != NULL && result == 0) record(kind, path_of(fd), (uint64_t)size, NULL, 0); \
        pthread_mutex_unlock(&turn);                                                \
        return result;                                                              \
    }
ONE(ftruncate, TRUNCATE, off_t)
ONE(ftruncate64, TRUNCATE, off64_t)

#define SYNCED(name)                                                                \
    int name(int fd) {                                                              \
        pthread_mutex_lock(&turn);                                                  \
        int result = REAL(name)(fd);                                                \
        if (path_of(fd) != NULL && result == 0) record(SYNC, path_of(fd), 0, NULL, 0); \
        pthread_mutex_unlock(&turn);                                                \
        return result;                                                              \
    }
SYNCED(fsync)
SYNCED(fdatasync)

int unlink(const char *path) {
    pthread_mutex_lock(&turn);
    int result = REAL(unlink)(path);
    if (result == 0 && is_ours(path)) record(UNLINK, path, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return result;
}

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&turn);
    int result = REAL(rename)(from, to);
    if (result == 0 && is_ours(from)) record(RENAME, from, 0, to, strlen(to));
    pthread_mutex_unlock(&turn);
    return result;
}

/* replay FOLDER: gives each file of a corpus to the harness, for builds without libFuzzer. An empty
 * corpus is a failure: a test that tries nothing must not pass. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* The bytes are copied into memory of their exact size, so that a sanitizer sees what reads past.
 */
static void replay(int folder, const char *name)
{
    struct stat about;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        perror(name);
        exit(1);
    }
    size_t size = (size_t)about.st_size;
    unsigned char *data = malloc(size == 0 ? 1 : size);
    if (data == NULL || read(fd, data, size) != about.st_size) {
        perror(name);
        exit(1);
    }
    (void)close(fd);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    unsigned count = 0;
    if (folder == NULL) {
        perror(argc == 2 ? argv[1] : "usage: replay FOLDER");
        return 2;
    }
    for (struct dirent *entry = NULL; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        replay(dirfd(folder), entry->d_name);
        count++;
    }
    (void)closedir(folder);
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}

#include <acmec/io/own_address.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>

struct address {
    int family;
    unsigned char bytes[16];
};

static bool read_address(const char *text, struct address *out)
{
    *out = (struct address){.family = strchr(text, ':') == NULL ? AF_INET : AF_INET6};
    return inet_pton(out->family, text, out->bytes) == 1;
}

static bool is_loopback(const struct address *address)
{
    return address->family == AF_INET
               ? address->bytes[0] == 127
               : memcmp(address->bytes, &in6addr_loopback, sizeof in6addr_loopback) == 0;
}

static bool is_at(const struct sockaddr *at, const struct address *address)
{
    if (at == NULL || at->sa_family != address->family)
        return false;
    if (address->family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)at)->sin_addr, address->bytes,
                      4) == 0;
    return memcmp(&((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, address->bytes,
                  16) == 0;
}

bool own_address_has(const char *text)
{
    struct address address;
    struct ifaddrs *all = NULL;
    if (!read_address(text, &address))
        return false;
    if (is_loopback(&address))
        return true;
    if (getifaddrs(&all) != 0)
        return false;
    bool found = false;
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next)
        found = is_at(one->ifa_addr, &address);
    freeifaddrs(all);
    return found;
}

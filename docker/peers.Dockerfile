# What others wrote, an image each: the stages are named for the services of the laboratory. Their programs are installed once,
# in the layer that all of them but those of the profiles stand on; what makes an image what it is comes after it. The context is
# this folder.
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${DEBIAN_IMAGE} AS programs
# Nobody reads the layer before it is whole, so nothing has to be on the disk file by file.
RUN apt-get -o Acquire::Retries=5 -o Acquire::Languages=none update \
 && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 -o Dpkg::Options::=--force-unsafe-io \
      install --yes --no-install-recommends \
      dnsmasq-base dovecot-imapd dovecot-lmtpd libcap2-bin openssl postfix tshark \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

# The stranger: a mail server of somebody else's outside, Postfix, with mailboxes of its own.
FROM programs AS stranger
COPY stranger/main.cf /etc/postfix/main.cf
COPY stranger/start /usr/local/bin/start
# The mailboxes belong to the user of the laboratory's console, who looks into them.
RUN postconf -F '*/*/chroot=n' && install --directory --owner 10025 --group 10025 --mode 0700 /var/mail/outside
CMD ["sh", "/usr/local/bin/start"]

# The mailboxes inside: Dovecot, filled by LMTP, read by IMAP.
FROM programs AS mailbox
RUN useradd --uid 5000 --home-dir /var/mail/inside --create-home vmail
COPY mailbox/dovecot.conf /etc/dovecot/dovecot.conf
CMD ["dovecot", "-F"]

# The name server of the world outside.
FROM programs AS dns
COPY dns/dnsmasq.conf /etc/dnsmasq.conf
CMD ["dnsmasq", "--keep-in-foreground", "--conf-file=/etc/dnsmasq.conf"]

# The sniffer: dumpcap, which writes down what passes the Edge, and tshark to look at it. What it writes is for the user of the
# laboratory's console, who has the secrets of the TLS sessions.
FROM programs AS sniffer
RUN setcap cap_net_raw=+ep /usr/bin/dumpcap && chmod 0755 /usr/bin/dumpcap \
 && install --directory --owner 10025 --group 10025 --mode 0700 /captures
COPY sniffer/captured /usr/local/bin/captured
USER 10025:10025
# Mail and EdgeSync, on both sides of the Edge; the last 200 MB of it.
CMD ["dumpcap", "-q", "-p", "-f", "tcp port 25 or tcp port 50636", "-i", "eth0", "-i", "eth1", \
     "-w", "/captures/edge.pcapng", "-b", "filesize:20000", "-b", "files:10"]

# OpenLDAP's slapd as AD or as ADAM: docs/slapd.md, in a container. socat brings the Hubs from the Edge's name to ADAM.
FROM ${DEBIAN_IMAGE} AS slapd
RUN apt-get -o Acquire::Retries=5 -o Acquire::Languages=none update \
 && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 -o Dpkg::Options::=--force-unsafe-io \
      install --yes --no-install-recommends ldap-utils openssl slapd socat \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && install --directory --owner 10025 --group 10025 --mode 0700 /var/lib/directory
COPY slapd/relaypair.schema slapd/*.conf slapd/start /usr/local/share/relaypair/
USER 10025:10025
ENTRYPOINT ["bash", "/usr/local/share/relaypair/start"]

# PostgreSQL, for the spools that several servers share. Which database it has is decided when it starts, so that the package makes none.
FROM ${DEBIAN_IMAGE} AS database
RUN mkdir /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
 && apt-get -o Acquire::Retries=5 -o Acquire::Languages=none update \
 && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold \
      install --yes --no-install-recommends postgresql \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY database/start /usr/local/share/relaypair/
USER postgres
ENTRYPOINT ["bash", "/usr/local/share/relaypair/start"]

/*
 * Threat feeds by https: whose certificate is believed, and where a redirect
 * may lead.
 */

#include <sys/mman.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/log.h"
#include "feedhelp.h"

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	assert_non_null(k);
	return k;
}

static X509 *
make_cert(EVP_PKEY *key, const char *alt)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_EXTENSION *e;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, n);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int
pem_of(X509 *x)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;
	int fd;

	PEM_write_bio_X509(b, x);
	n = BIO_get_mem_data(b, &p);
	fd = memfd(p, (size_t)n);
	BIO_free(b);
	return fd;
}

/* What a fetch of https://HOST says with a server of this name and our CA. */
static void
tls_says(const char *alt, const char *host, int trusted, const char *why)
{
	EVP_PKEY *key = make_key(), *alien = make_key();
	X509 *cert = make_cert(key, alt), *other = make_cert(alien, alt);
	struct server s;
	struct feeds *f;

	server_start(&s);
	s.tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(s.tls, cert);
	SSL_CTX_use_PrivateKey(s.tls, key);
	answer(&s, OK "Content-Length: 9\r\n\r\nevil.test");
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "https://%s:%u/", host, s.port);
	f = feeds_of(&s);
	feeds_ca(f, pem_of(trusted ? cert : other));
	feeds_start(f);
	run_until(&s, f, 0, why);
	assert_string_equal(asked(f, "evil.test"),
	    why[0] != '\0' ? "" : "threat-feed:far evil.test deny");
	assert_int_equal(s.asked, why[0] == '\0');
	feeds_free(f);
	server_stop(&s);
	X509_free(cert);
	X509_free(other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(alien);
}

static void
tls_checked(void **state)
{
	tls_says("DNS:feeds.test", "feeds.test", 1, "");
	tls_says("DNS:feeds.test", "other.test", 1, "hostname mismatch");
	tls_says("IP:127.0.0.1", "127.0.0.1", 1, "");
	tls_says("IP:127.0.0.2", "127.0.0.1", 1, "IP address mismatch");
	tls_says("DNS:feeds.test", "feeds.test", 0, "?");
}

static void
tls_downgrade_refused(void **state)
{
	EVP_PKEY *key = make_key();
	X509 *cert = make_cert(key, "DNS:feeds.test");
	struct server s;
	struct feeds *f;

	server_start(&s);
	s.tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(s.tls, cert);
	SSL_CTX_use_PrivateKey(s.tls, key);
	answer(&s,
	    "HTTP/1.1 301 Go\r\nLocation: http://feeds.test/\r\n"
	    "Content-Length: 0\r\n\r\n");
	conf_init(FOREVER);
	conf_add("far", FEED_DOMAINS, "https://feeds.test:%u/", s.port);
	f = feeds_of(&s);
	feeds_ca(f, pem_of(cert));
	feeds_start(f);
	run_until(&s, f, 1, "it redirects from https to http");
	feeds_free(f);
	server_stop(&s);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
tls_bundle_without_certs_said(void **state)
{
	const char *why;
	int fd = memfd("not PEM", 7);

	assert_null(feed_tls_new(fd, &why));
	assert_string_equal(why, "the CA bundle holds no certificate");
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_checked),
		cmocka_unit_test(tls_downgrade_refused),
		cmocka_unit_test(tls_bundle_without_certs_said),
	};

	log_init("test", LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Printing a policy.  The text form is normalised YAML with FILE:LINE beside each rule; the JSON
 * form keeps the field names that scripts for the original read.  Strings come
 * from a stranger's file: control characters leave here only as escapes.
 */

#include "policyd/policyshow.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "policyd/scalar.h"
#include "policyd/ytree.h"

/* A double-quoted string that is both YAML and JSON. */
static void
quoted(FILE *fp, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	fputc('"', fp);
	for (; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(fp, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", fp);
		else if (*p == '\t')
			fputs("\\t", fp);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(fp, "\\u%04x", *p);
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			fprintf(fp, "\\u%04x", *++p); /* C1 controls */
		else
			fputc(*p, fp);
	}
	fputc('"', fp);
}

/* Text ---------------------------------------------------------------- */

static void
t_str(FILE *fp, int in, const char *key, const struct pstr *s)
{
	if (s->len == 0)
		return;
	fprintf(fp, "%*s%s: ", in, "", key);
	quoted(fp, s->s);
	fputc('\n', fp);
}

static void
t_list(FILE *fp, int in, const char *key, const struct plist *l)
{
	unsigned int i;

	if (l->n == 0)
		return;
	fprintf(fp, "%*s%s:\n", in, "", key);
	for (i = 0; i < l->n; i++) {
		fprintf(fp, "%*s- ", in + 2, "");
		quoted(fp, l->v[i].s);
		fputc('\n', fp);
	}
}

static void
t_map(FILE *fp, int in, const char *key, const struct pmap *m)
{
	unsigned int i;

	if (m->n == 0)
		return;
	fprintf(fp, "%*s%s:\n", in, "", key);
	for (i = 0; i < m->n; i++) {
		fprintf(fp, "%*s", in + 2, "");
		quoted(fp, m->v[i].key.s);
		fputs(": ", fp);
		quoted(fp, m->v[i].value.s);
		fputc('\n', fp);
	}
}

static void
t_int(FILE *fp, int in, const char *key, const struct pnum *n)
{
	if (n->set)
		fprintf(fp, "%*s%s: %" PRIu64 "\n", in, "", key, n->v);
}

static void
t_bool(FILE *fp, int in, const char *key, const struct pnum *n)
{
	if (n->set)
		fprintf(fp, "%*s%s: %s\n", in, "", key,
		    n->v ? "true" : "false");
}

static void
t_dur(FILE *fp, int in, const char *key, const struct pnum *n)
{
	char buf[SCALAR_DURATION_MAX];

	if (n->set)
		fprintf(fp, "%*s%s: %s\n", in, "", key,
		    scalar_duration_str(n->v, buf, sizeof(buf)));
}

static void
t_section(FILE *fp, const char *name, unsigned int n)
{
	if (n != 0)
		fprintf(fp, "%s:\n", name);
}

static void
t_rule(FILE *fp, const struct prule *r)
{
	fprintf(fp, "  # %s:%u\n  - name: ", r->file, r->pos.line);
	quoted(fp, r->name.s);
	fputc('\n', fp);
	t_str(fp, 4, "description", &r->description);
	if (r->decision_pos.line != 0) /* redirect sections have none */
		fprintf(fp, "    decision: %s\n", decision_name[r->decision]);
	t_str(fp, 4, "message", &r->message);
	t_dur(fp, 4, "timeout", &r->timeout_ns);
}

/* The words of a mask in table order, "*" for all of them. */
static void
t_words(FILE *fp, const struct pword *tab, uint32_t mask, uint32_t all)
{
	const char *sep = "";

	fputs("    operations: [", fp);
	if (mask == all)
		fputs("\"*\"", fp);
	for (; mask != all && tab->name != NULL; tab++) {
		if (tab->value == all || (mask & tab->value) == 0)
			continue;
		fprintf(fp, "%s%s", sep, tab->name);
		sep = ", ";
	}
	fputs("]\n", fp);
}

static void
t_files(FILE *fp, const struct policy *p)
{
	const struct pfile_rule *r;
	unsigned int i;

	t_section(fp, "file_rules", p->nfile_rules);
	for (i = 0; i < p->nfile_rules; i++) {
		r = &p->file_rules[i];
		t_rule(fp, &r->r);
		t_list(fp, 4, "paths", &r->paths);
		t_words(fp, file_word_tab, r->words, FW_ALL);
		t_str(fp, 4, "redirect_to", &r->redirect_to);
		if (r->preserve_tree)
			fputs("    preserve_tree: true\n", fp);
	}
}

static void
t_ports(FILE *fp, const struct pnet_rule *r)
{
	unsigned int i;

	if (r->nports == 0)
		return;
	fputs("    ports: [", fp);
	for (i = 0; i < r->nports; i++)
		fprintf(fp, "%s%u", i == 0 ? "" : ", ", r->ports[i].port);
	fputs("]\n", fp);
}

/* As it is understood: host bits cleared, a bare address with its length. */
static void
t_cidrs(FILE *fp, const struct pnet_rule *r)
{
	char buf[INET6_ADDRSTRLEN];
	const struct pcidr *c;
	unsigned int i;
	int v4;

	if (r->ncidrs != 0)
		fputs("    cidrs:\n", fp);
	for (i = 0; i < r->ncidrs; i++) {
		c = &r->cidrs[i];
		v4 = IN6_IS_ADDR_V4MAPPED(&c->addr) && c->prefix >= 96;
		if (v4)
			inet_ntop(AF_INET, &c->addr.s6_addr[12], buf,
			    sizeof(buf));
		else
			inet_ntop(AF_INET6, &c->addr, buf, sizeof(buf));
		fprintf(fp, "      - \"%s/%d\"\n", buf,
		    c->prefix - (v4 ? 96 : 0));
	}
}

static void
t_network(FILE *fp, const struct policy *p)
{
	unsigned int i;

	t_section(fp, "network_rules", p->nnetwork_rules);
	for (i = 0; i < p->nnetwork_rules; i++) {
		t_rule(fp, &p->network_rules[i].r);
		t_list(fp, 4, "domains", &p->network_rules[i].domains);
		t_list(fp, 4, "registries", &p->network_rules[i].registries);
		t_ports(fp, &p->network_rules[i]);
		t_cidrs(fp, &p->network_rules[i]);
	}
}

static void
t_context(FILE *fp, const struct pcmd_rule *r)
{
	if (r->min_depth == 0 && r->max_depth == PCMD_DEPTH_MAX)
		return;
	fprintf(fp, "    context:\n      min_depth: %u\n", r->min_depth);
	if (r->max_depth != PCMD_DEPTH_MAX)
		fprintf(fp, "      max_depth: %u\n", r->max_depth);
}

static void
t_commands(FILE *fp, const struct policy *p)
{
	const struct pcmd_rule *r;
	unsigned int i;

	t_section(fp, "command_rules", p->ncommand_rules);
	for (i = 0; i < p->ncommand_rules; i++) {
		r = &p->command_rules[i];
		t_rule(fp, &r->r);
		t_list(fp, 4, "commands", &r->commands);
		t_list(fp, 4, "args_patterns", &r->args_patterns);
		if (r->redirect_command.len != 0) {
			fputs("    redirect_to:\n", fp);
			t_str(fp, 6, "command", &r->redirect_command);
			t_list(fp, 6, "args", &r->redirect_args);
			t_list(fp, 6, "args_append", &r->redirect_append);
			t_map(fp, 6, "environment", &r->redirect_env);
		}
		t_context(fp, r);
		t_list(fp, 4, "env_allow", &r->env.allow);
		t_list(fp, 4, "env_deny", &r->env.deny);
		t_int(fp, 4, "env_max_bytes", &r->env.max_bytes);
		t_int(fp, 4, "env_max_keys", &r->env.max_keys);
		t_bool(fp, 4, "env_block_iteration", &r->env.block_iteration);
	}
}

static void
t_unix(FILE *fp, const struct policy *p)
{
	unsigned int i;

	t_section(fp, "unix_socket_rules", p->nunix_rules);
	for (i = 0; i < p->nunix_rules; i++) {
		t_rule(fp, &p->unix_rules[i].r);
		t_list(fp, 4, "paths", &p->unix_rules[i].paths);
		t_list(fp, 4, "operations", &p->unix_rules[i].operations);
	}
}

static void
t_signals(FILE *fp, const struct policy *p)
{
	const struct psig_rule *r;
	unsigned int i;

	t_section(fp, "signal_rules", p->nsignal_rules);
	for (i = 0; i < p->nsignal_rules; i++) {
		r = &p->signal_rules[i];
		t_rule(fp, &r->r);
		t_list(fp, 4, "signals", &r->signals);
		if (r->target != PST_NONE)
			fprintf(fp, "    target:\n      type: %s\n",
			    psig_target_name[r->target]);
		t_str(fp, 6, "pattern", &r->pattern);
		if (r->target == PST_PID_RANGE)
			fprintf(fp, "      min: %u\n      max: %u\n",
			    r->pid_min, r->pid_max);
		t_str(fp, 4, "redirect_to", &r->redirect_text);
		if (r->fallback != DEC_MAX)
			fprintf(fp, "    fallback: %s\n",
			    decision_name[r->fallback]);
	}
}

static void
t_redirects(FILE *fp, const struct policy *p)
{
	const struct pconn_redirect *c;
	unsigned int i;

	t_section(fp, "dns_redirects", p->ndns_redirects);
	for (i = 0; i < p->ndns_redirects; i++) {
		t_rule(fp, &p->dns_redirects[i].r);
		t_str(fp, 4, "match", &p->dns_redirects[i].match);
		t_str(fp, 4, "resolve_to", &p->dns_redirects[i].resolve_to);
		t_str(fp, 4, "visibility", &p->dns_redirects[i].visibility);
		t_str(fp, 4, "on_failure", &p->dns_redirects[i].on_failure);
	}
	t_section(fp, "connect_redirects", p->nconnect_redirects);
	for (i = 0; i < p->nconnect_redirects; i++) {
		c = &p->connect_redirects[i];
		t_rule(fp, &c->r);
		t_str(fp, 4, "match", &c->match);
		t_str(fp, 4, "redirect_to", &c->redirect_to);
		if (c->tls_mode.len != 0 || c->sni.len != 0)
			fputs("    tls:\n", fp);
		t_str(fp, 6, "mode", &c->tls_mode);
		t_str(fp, 6, "sni", &c->sni);
		t_str(fp, 4, "visibility", &c->visibility);
		t_str(fp, 4, "on_failure", &c->on_failure);
	}
}

static void
t_rest(FILE *fp, const struct policy *p)
{
	const struct plimits *l = &p->limits;

	fputs("resource_limits:\n", fp);
	t_int(fp, 2, "max_memory_mb", &l->max_memory_mb);
	t_int(fp, 2, "memory_swap_max_mb", &l->memory_swap_max_mb);
	t_int(fp, 2, "cpu_quota_percent", &l->cpu_quota_percent);
	t_int(fp, 2, "pids_max", &l->pids_max);
	t_int(fp, 2, "disk_read_bps_max", &l->disk_read_bps_max);
	t_int(fp, 2, "disk_write_bps_max", &l->disk_write_bps_max);
	t_int(fp, 2, "net_bandwidth_mbps", &l->net_bandwidth_mbps);
	t_dur(fp, 2, "command_timeout", &l->command_timeout_ns);
	t_dur(fp, 2, "session_timeout", &l->session_timeout_ns);
	t_dur(fp, 2, "idle_timeout", &l->idle_timeout_ns);
	fputs("env_policy:\n", fp);
	t_list(fp, 2, "allow", &p->env.allow);
	t_list(fp, 2, "deny", &p->env.deny);
	t_int(fp, 2, "max_bytes", &p->env.max_bytes);
	t_int(fp, 2, "max_keys", &p->env.max_keys);
	t_bool(fp, 2, "block_iteration", &p->env.block_iteration);
	t_map(fp, 0, "env_inject", &p->env_inject);
	fputs("audit:\n", fp);
	t_bool(fp, 2, "log_allowed", &p->audit.log_allowed);
	t_bool(fp, 2, "log_denied", &p->audit.log_denied);
	t_bool(fp, 2, "log_approved", &p->audit.log_approved);
	t_bool(fp, 2, "include_stdout", &p->audit.include_stdout);
	t_bool(fp, 2, "include_stderr", &p->audit.include_stderr);
	t_bool(fp, 2, "include_file_content", &p->audit.include_file_content);
	t_int(fp, 2, "retention_days", &p->audit.retention_days);
	if (p->transparent_add.n != 0 || p->transparent_remove.n != 0)
		fputs("transparent_commands:\n", fp);
	t_list(fp, 2, "add", &p->transparent_add);
	t_list(fp, 2, "remove", &p->transparent_remove);
}

void
policyshow_text(const struct policy *pol, FILE *fp)
{
	fprintf(fp, "# %s\nversion: %" PRIu64 "\n", pol->file, pol->version.v);
	t_str(fp, 0, "name", &pol->name);
	t_str(fp, 0, "description", &pol->description);
	t_files(fp, pol);
	t_network(fp, pol);
	t_commands(fp, pol);
	t_unix(fp, pol);
	t_signals(fp, pol);
	t_redirects(fp, pol);
	t_rest(fp, pol);
}

/* JSON ---------------------------------------------------------------- */

/* Where we are: the indentation, and whether a comma is due. */
struct jout {
	FILE *fp;
	int depth;
	int first;
};

static void
j_item(struct jout *j)
{
	fprintf(j->fp, "%s\n%*s", j->first ? "" : ",", j->depth * 2, "");
	j->first = 0;
}

static void
j_key(struct jout *j, const char *key)
{
	j_item(j);
	quoted(j->fp, key);
	fputs(": ", j->fp);
}

static void
j_open(struct jout *j, char c)
{
	fputc(c, j->fp);
	j->depth++;
	j->first = 1;
}

static void
j_close(struct jout *j, char c)
{
	j->depth--;
	if (!j->first)
		fprintf(j->fp, "\n%*s", j->depth * 2, "");
	fputc(c, j->fp);
	j->first = 0;
}

static void
j_str(struct jout *j, const char *key, const struct pstr *s)
{
	j_key(j, key);
	quoted(j->fp, s->s);
}

static void
j_num(struct jout *j, const char *key, uint64_t v)
{
	j_key(j, key);
	fprintf(j->fp, "%" PRIu64, v);
}

static void
j_bool(struct jout *j, const char *key, int v)
{
	j_key(j, key);
	fputs(v ? "true" : "false", j->fp);
}

static void
j_null(struct jout *j, const char *key)
{
	j_key(j, key);
	fputs("null", j->fp);
}

static void
j_dur(struct jout *j, const char *key, const struct pnum *n)
{
	j_key(j, key);
	j_open(j, '{');
	j_num(j, "Duration", n->v);
	j_close(j, '}');
}

/* An absent list is null, as Go's encoder has it. */
static void
j_list(struct jout *j, const char *key, const struct plist *l)
{
	unsigned int i;

	if (l->pos.line == 0) {
		j_null(j, key);
		return;
	}
	j_key(j, key);
	j_open(j, '[');
	for (i = 0; i < l->n; i++) {
		j_item(j);
		quoted(j->fp, l->v[i].s);
	}
	j_close(j, ']');
}

static void
j_map(struct jout *j, const char *key, const struct pmap *m)
{
	unsigned int i;

	if (m->pos.line == 0) {
		j_null(j, key);
		return;
	}
	j_key(j, key);
	j_open(j, '{');
	for (i = 0; i < m->n; i++)
		j_str(j, m->v[i].key.s, &m->v[i].value);
	j_close(j, '}');
}

static void
j_rule_head(struct jout *j, const struct prule *r)
{
	j_item(j);
	j_open(j, '{');
	j_str(j, "Name", &r->name);
	j_str(j, "Description", &r->description);
}

static void
j_decided(struct jout *j, const struct prule *r)
{
	j_key(j, "Decision");
	quoted(j->fp, decision_name[r->decision]);
	j_str(j, "Message", &r->message);
	j_dur(j, "Timeout", &r->timeout_ns);
}

/* 0 and "null" when a section is absent, else its "[" is open. */
static int
j_section(struct jout *j, const char *key, unsigned int n)
{
	if (n == 0) {
		j_null(j, key);
		return 0;
	}
	j_key(j, key);
	j_open(j, '[');
	return 1;
}

static void
j_files(struct jout *j, const struct policy *p)
{
	const struct pfile_rule *r = p->file_rules;
	unsigned int i;

	if (!j_section(j, "FileRules", p->nfile_rules))
		return;
	for (i = 0; i < p->nfile_rules; i++, r++) {
		j_rule_head(j, &r->r);
		j_list(j, "Paths", &r->paths);
		j_list(j, "Operations", &r->operations);
		j_decided(j, &r->r);
		j_str(j, "RedirectTo", &r->redirect_to);
		j_bool(j, "PreserveTree", r->preserve_tree);
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_network(struct jout *j, const struct policy *p)
{
	const struct pnet_rule *r = p->network_rules;
	unsigned int i, k;

	if (!j_section(j, "NetworkRules", p->nnetwork_rules))
		return;
	for (i = 0; i < p->nnetwork_rules; i++, r++) {
		j_rule_head(j, &r->r);
		j_list(j, "Domains", &r->domains);
		if (r->registries.n > 0)
			j_list(j, "Registries", &r->registries);
		if (j_section(j, "Ports", r->nports)) {
			for (k = 0; k < r->nports; k++) {
				j_item(j);
				fprintf(j->fp, "%u", r->ports[k].port);
			}
			j_close(j, ']');
		}
		if (j_section(j, "CIDRs", r->ncidrs)) {
			for (k = 0; k < r->ncidrs; k++) {
				j_item(j);
				quoted(j->fp, r->cidrs[k].text.s);
			}
			j_close(j, ']');
		}
		j_decided(j, &r->r);
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_context(struct jout *j, const struct pcmd_rule *r)
{
	j_key(j, "Context");
	j_open(j, '{');
	j_num(j, "MinDepth", r->min_depth);
	if (r->max_depth == PCMD_DEPTH_MAX) {
		j_key(j, "MaxDepth");
		fputs("-1", j->fp);
	} else
		j_num(j, "MaxDepth", r->max_depth);
	j_close(j, '}');
}

static void
j_command_redirect(struct jout *j, const struct pcmd_rule *r)
{
	if (r->redirect_command.len == 0) {
		j_null(j, "RedirectTo");
		return;
	}
	j_key(j, "RedirectTo");
	j_open(j, '{');
	j_str(j, "Command", &r->redirect_command);
	j_list(j, "Args", &r->redirect_args);
	j_list(j, "ArgsAppend", &r->redirect_append);
	j_map(j, "Environment", &r->redirect_env);
	j_close(j, '}');
}

static void
j_commands(struct jout *j, const struct policy *p)
{
	const struct pcmd_rule *r = p->command_rules;
	unsigned int i;

	if (!j_section(j, "CommandRules", p->ncommand_rules))
		return;
	for (i = 0; i < p->ncommand_rules; i++, r++) {
		j_rule_head(j, &r->r);
		j_list(j, "Commands", &r->commands);
		j_list(j, "ArgsPatterns", &r->args_patterns);
		j_decided(j, &r->r);
		j_command_redirect(j, r);
		j_context(j, r);
		j_list(j, "EnvAllow", &r->env.allow);
		j_list(j, "EnvDeny", &r->env.deny);
		j_num(j, "EnvMaxBytes", r->env.max_bytes.v);
		j_num(j, "EnvMaxKeys", r->env.max_keys.v);
		if (r->env.block_iteration.set)
			j_bool(j, "EnvBlockIteration",
			    r->env.block_iteration.v != 0);
		else
			j_null(j, "EnvBlockIteration");
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_unix(struct jout *j, const struct policy *p)
{
	const struct punix_rule *r = p->unix_rules;
	unsigned int i;

	if (!j_section(j, "UnixRules", p->nunix_rules))
		return;
	for (i = 0; i < p->nunix_rules; i++, r++) {
		j_rule_head(j, &r->r);
		j_list(j, "Paths", &r->paths);
		j_list(j, "Operations", &r->operations);
		j_decided(j, &r->r);
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_signals(struct jout *j, const struct policy *p)
{
	const struct psig_rule *r = p->signal_rules;
	unsigned int i;

	if (!j_section(j, "SignalRules", p->nsignal_rules))
		return;
	for (i = 0; i < p->nsignal_rules; i++, r++) {
		j_rule_head(j, &r->r);
		j_list(j, "Signals", &r->signals);
		j_key(j, "Target");
		j_open(j, '{');
		j_key(j, "Type");
		quoted(j->fp, psig_target_name[r->target]);
		j_str(j, "Pattern", &r->pattern);
		j_num(j, "Min", r->pid_min);
		j_num(j, "Max", r->pid_max);
		j_close(j, '}');
		j_decided(j, &r->r);
		j_key(j, "Fallback");
		quoted(j->fp,
		    r->fallback == DEC_MAX ? "" : decision_name[r->fallback]);
		j_str(j, "RedirectTo", &r->redirect_text);
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_dns(struct jout *j, const struct policy *p)
{
	const struct pdns_redirect *r = p->dns_redirects;
	unsigned int i;

	if (!j_section(j, "DnsRedirects", p->ndns_redirects))
		return;
	for (i = 0; i < p->ndns_redirects; i++, r++) {
		j_item(j);
		j_open(j, '{');
		j_str(j, "Name", &r->r.name);
		j_str(j, "Match", &r->match);
		j_str(j, "ResolveTo", &r->resolve_to);
		j_str(j, "Visibility", &r->visibility);
		j_str(j, "OnFailure", &r->on_failure);
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_connect(struct jout *j, const struct policy *p)
{
	const struct pconn_redirect *r = p->connect_redirects;
	unsigned int i;

	if (!j_section(j, "ConnectRedirects", p->nconnect_redirects))
		return;
	for (i = 0; i < p->nconnect_redirects; i++, r++) {
		j_item(j);
		j_open(j, '{');
		j_str(j, "Name", &r->r.name);
		j_str(j, "Match", &r->match);
		j_str(j, "RedirectTo", &r->redirect_to);
		j_key(j, "TLS");
		j_open(j, '{');
		j_str(j, "Mode", &r->tls_mode);
		j_str(j, "SNI", &r->sni);
		j_close(j, '}');
		j_str(j, "Visibility", &r->visibility);
		j_str(j, "Message", &r->r.message);
		j_str(j, "OnFailure", &r->on_failure);
		j_close(j, '}');
	}
	j_close(j, ']');
}

static void
j_limits(struct jout *j, const struct plimits *l)
{
	j_key(j, "ResourceLimits");
	j_open(j, '{');
	j_num(j, "MaxMemoryMB", l->max_memory_mb.v);
	j_num(j, "MemorySwapMaxMB", l->memory_swap_max_mb.v);
	j_num(j, "CPUQuotaPercent", l->cpu_quota_percent.v);
	j_num(j, "DiskReadBpsMax", l->disk_read_bps_max.v);
	j_num(j, "DiskWriteBpsMax", l->disk_write_bps_max.v);
	j_num(j, "NetBandwidthMbps", l->net_bandwidth_mbps.v);
	j_num(j, "PidsMax", l->pids_max.v);
	j_dur(j, "CommandTimeout", &l->command_timeout_ns);
	j_dur(j, "SessionTimeout", &l->session_timeout_ns);
	j_dur(j, "IdleTimeout", &l->idle_timeout_ns);
	j_close(j, '}');
}

static void
j_env_audit(struct jout *j, const struct policy *p)
{
	j_key(j, "EnvPolicy");
	j_open(j, '{');
	j_list(j, "Allow", &p->env.allow);
	j_list(j, "Deny", &p->env.deny);
	j_num(j, "MaxBytes", p->env.max_bytes.v);
	j_num(j, "MaxKeys", p->env.max_keys.v);
	j_bool(j, "BlockIteration", p->env.block_iteration.v != 0);
	j_close(j, '}');
	j_map(j, "EnvInject", &p->env_inject);
	j_key(j, "Audit");
	j_open(j, '{');
	j_bool(j, "LogAllowed", p->audit.log_allowed.v != 0);
	j_bool(j, "LogDenied", p->audit.log_denied.v != 0);
	j_bool(j, "LogApproved", p->audit.log_approved.v != 0);
	j_bool(j, "IncludeStdout", p->audit.include_stdout.v != 0);
	j_bool(j, "IncludeStderr", p->audit.include_stderr.v != 0);
	j_bool(j, "IncludeFileContent", p->audit.include_file_content.v != 0);
	j_num(j, "RetentionDays", p->audit.retention_days.v);
	j_close(j, '}');
	j_key(j, "TransparentCommands");
	j_open(j, '{');
	j_list(j, "Add", &p->transparent_add);
	j_list(j, "Remove", &p->transparent_remove);
	j_close(j, '}');
}

/* A section that is only kept, as it was written.  As deep as the tree. */
static void
j_node(struct jout *j, const struct ynode *n)
{
	int64_t num;
	int flag;
	uint32_t i;

	if (n == NULL || (n->type == Y_SCALAR && n->null))
		fputs("null", j->fp);
	else if (n->type == Y_SCALAR) {
		if (n->str.quote == 0 && scalar_int(n->str.s, &num) == 0)
			fprintf(j->fp, "%" PRId64, num);
		else if (n->str.quote == 0 && scalar_bool(n->str.s, &flag) == 0)
			fputs(flag ? "true" : "false", j->fp);
		else
			quoted(j->fp, n->str.s);
	} else {
		j_open(j, n->type == Y_MAP ? '{' : '[');
		for (i = 0; i < n->n; i++) {
			if (n->type == Y_MAP)
				j_key(j, n->pairs[i].key->str.s);
			else
				j_item(j);
			j_node(j,
			    n->type == Y_MAP ? n->pairs[i].value : n->items[i]);
		}
		j_close(j, n->type == Y_MAP ? '}' : ']');
	}
}

static void
j_kept(struct jout *j, const char *key, const struct ynode *n)
{
	j_key(j, key);
	j_node(j, n);
}

void
policyshow_json(const struct policy *pol, FILE *fp)
{
	struct jout j = { .fp = fp, .first = 1 };

	j_open(&j, '{');
	j_num(&j, "Version", pol->version.v);
	j_str(&j, "Name", &pol->name);
	j_str(&j, "Description", &pol->description);
	j_files(&j, pol);
	j_network(&j, pol);
	j_commands(&j, pol);
	j_unix(&j, pol);
	j_kept(&j, "RegistryRules", pol->registry_rules);
	j_signals(&j, pol);
	j_dns(&j, pol);
	j_connect(&j, pol);
	j_limits(&j, &pol->limits);
	j_env_audit(&j, pol);
	j_kept(&j, "MCPRules", pol->mcp_rules);
	j_kept(&j, "ProcessContexts", pol->process_contexts);
	j_kept(&j, "ProcessIdentities", pol->process_identities);
	j_kept(&j, "PackageRules", pol->package_rules);
	j_close(&j, '}');
	fputc('\n', fp);
}

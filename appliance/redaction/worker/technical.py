"""Words of software and standards that a model takes for names. None is a first name in our lists but Loki."""

from typing import Final

TECHNICAL: Final = frozenset(
    one.strip().casefold()
    for one in """
ACL; Active Directory; AES; AIFF; Airflow; AKS; Alpine; Android; Angular; ANSI; Ansible; Apache; API; Argo CD; ARP;
Artifactory; ASCII; AST; Avro; Azure DevOps; Babel; Bamboo; Base64; Bash; Bazel; BGP; BigQuery; Blender; BOM; BSD;
Btrfs; Bun; C#; C++; Calico; Cargo; CBOR; CDN; Celery; CentOS; Ceph; CI; CIDR; Cilium; CircleCI; CLI; Clojure; Cloud
Run; CloudFront; CloudWatch; CMake; COBOL; Cognito; Confluence; Consul; CORBA; CORS; CPU; CRC; CRL; CRLF; Cron;
Crossplane; CRUD; CSRF; CSS; CSV; Cucumber; CUDA; CVE; CycloneDX; Cypress; Dagster; Datadog; Dataflow; dbt; Debian;
DEBUG; Deno; DHCP; Django; DLL; DMZ; DNS; Docker; DTD; DynamoDB; EBS; EC2; ECDSA; Eclipse; ECS; Ed25519; EKS;
Elasticsearch; ELF; Elixir; Emacs; Envoy; EOF; EPUB; Erlang; ERROR; ETL; EXIF; FAQ; Fargate; FastAPI; Fedora; FIFO;
Figma; FIPS; Fivetran; Flannel; Flask; Flink; Flux; Fortran; FQDN; FTP; GIF; Git; GitHub Actions; GitLab CI; GKE; GNU;
GPL; GPU; Gradle; Grafana; GraphQL; gRPC; GUI; GUID; Hadoop; HAProxy; Haskell; Helm; Heroku; Hibernate; Hive; HMAC;
HSM; HTML; HTTP; HTTPS; I/O; IAM; ICMP; IDL; IETF; IMAP; INFO; IntelliJ; iOS; IPC; IPsec; IPv4; IPv6; ISO; Istio;
Jaeger; Java; JavaScript; Jenkins; Jest; Jetty; Jira; JPEG; JSON; JSONL; JUnit; Jupyter; JVM; JWT; Kafka; Keras;
Kerberos; Keycloak; Kibana; Kinesis; KMS; Knative; Kotlin; Kubernetes; Lambda; Laravel; LDAP; LFS; LGPL; Linkerd;
Linux; Llama; Logstash; Loki; Looker; LRU; LVM; macOS; MariaDB; Markdown; MATLAB; Maven; MD5; Memcached; Mercurial;
MIME; MinIO; Mistral; Mockito; MongoDB; MTU; MVC; MySQL; Nagios; NER; Netlify; Next.js; Nexus; NFS; Nginx; Node.js;
Nomad; npm; NTP; NUMA; NumPy; OAuth; OCI; OCSP; ODBC; OIDC; Ollama; OOM; OpenAPI; OpenCL; OpenSearch; OpenShift; OSI;
OTLP; Packer; Pandas; Parquet; PCI; PCM; PDF; PEM; Perl; PGP; Photoshop; PHP; PID; PKCS; PKI; Playwright; PNG; Podman;
POP3; POSIX; Postgres; PostgreSQL; Postman; Power BI; PowerShell; PPP; Prefect; Prometheus; Protobuf; PTY; Pub/Sub;
Pulumi; Puppet; Puppeteer; Python; PyTorch; QEMU; QoS; Quay; QUIC; RabbitMQ; Rails; Rancher; RBAC; RDS; React; README;
Redis; Redshift; REST; RFC; RGB; Route 53; RPC; RSA; RSS; RTF; RTP; Rust; S3; Samba; SAML; SAST; SBOM; Scala;
Scikit-learn; SCIM; SCP; SDK; Selenium; Sentry; SFTP; SGML; SHA-256; SharePoint; SIGKILL; SIGTERM; SIP; SLA; SLO; SMB;
SMTP; SNMP; Snowflake; Snyk; SOAP; SonarQube; Spark; SPDX; SPF; Splunk; Spring Boot; SQL; SQLite; SRE; SSD; SSE; SSH;
SSL; SSO; STDIN; STDOUT; Streamlit; Subversion; Svelte; SVG; Swagger; Swift; Symfony; Tableau; TCP; Tekton;
TensorFlow; Terraform; TGI; TIFF; TLS; Tomcat; TOML; TOTP; TPM; Traefik; Trivy; TrueType; TSV; TTL; TTY; TUF;
TypeScript; Ubuntu; UDP; UI; UID; ULID; Unicode; Unreal; URL; USB; UTC; UTF; UTF-8; UUID; UX; Vagrant; Valkey; Vault;
vCPU; Vercel; Vim; Vite; VLAN; vLLM; VM; VPC; VPN; VRAM; VS Code; Vue; Vulkan; WAF; WAL; WARN; WASM; Webpack;
WebSocket; Whisper; Windows; WSDL; WSGI; X.509; XGBoost; XHTML; XML; XPath; XSD; XSLT; XSS; YAML; Yarn; YUV; Zabbix;
ZFS; ZIP; Zipkin; Zsh
""".replace("\n", " ").split(";")
    if one.strip()
)
"""Compared without case."""

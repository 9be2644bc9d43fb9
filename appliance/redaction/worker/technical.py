"""Words of software and standards that a model takes for names. None is a common first name."""

from typing import Final

TECHNICAL: Final = frozenset(
    one.strip().casefold()
    for one in """
Active Directory; AES; Airflow; AKS; Alpine; Android; Angular; Ansible; Apache; API; Argo CD; Artifactory; Avro;
Azure DevOps; Babel; Bamboo; Base64; Bash; Bazel; BGP; BigQuery; Blender; Btrfs; Bun; C#; C++; Calico; Cargo;
Celery; CentOS; Ceph; CIDR; Cilium; CircleCI; Clojure; Cloud Run; CloudFront; CloudWatch; CMake; COBOL; Cognito;
Confluence; Consul; CORS; CPU; Cron; Crossplane; CSRF; CSV; Cucumber; CUDA; Cypress; Dagster; Datadog; Dataflow;
dbt; Debian; DEBUG; Deno; DHCP; Django; DNS; Docker; DynamoDB; EBS; EC2; Eclipse; ECS; Ed25519; EKS; Elasticsearch;
Elixir; Emacs; Envoy; Erlang; ERROR; Fargate; FastAPI; Fedora; Figma; Fivetran; Flannel; Flask; Flink; Flux;
Fortran; Git; GitHub Actions; GitLab CI; GKE; GPU; Gradle; Grafana; GraphQL; gRPC; Hadoop; HAProxy; Haskell; Helm;
Heroku; Hibernate; Hive; HTTP; IAM; INFO; IntelliJ; iOS; ISO; Istio; Jaeger; Java; JavaScript; Jenkins; Jest;
Jetty; Jira; JSON; JUnit; Jupyter; JWT; Kafka; Keras; Kerberos; Keycloak; Kibana; Kinesis; Knative; Kotlin;
Kubernetes; Lambda; Laravel; LDAP; Linkerd; Linux; Llama; Logstash; Loki; Looker; LVM; macOS; MariaDB; MATLAB;
Maven; Memcached; Mercurial; MinIO; Mistral; Mockito; MongoDB; MySQL; Nagios; Netlify; Next.js; Nexus; NFS; Nginx;
Node.js; Nomad; npm; NumPy; OAuth; OIDC; Ollama; OpenAPI; OpenCL; OpenSearch; OpenShift; Packer; Pandas; Parquet;
Perl; Photoshop; PHP; Playwright; Podman; Postgres; PostgreSQL; Postman; Power BI; PowerShell; Prefect; Prometheus;
Protobuf; Pub/Sub; Pulumi; Puppet; Puppeteer; Python; PyTorch; Quay; RabbitMQ; Rails; RAM; Rancher; RDS; React;
README; Redis; Redshift; REST; Route 53; RSA; Rust; S3; Samba; SAML; Scala; Scikit-learn; Selenium; Sentry;
SHA-256; SharePoint; Snowflake; Snyk; SOAP; SonarQube; Spark; Splunk; Spring Boot; SQL; SSD; SSH; Streamlit;
Subversion; Svelte; Swagger; Swift; Symfony; Tableau; Tekton; TensorFlow; Terraform; TLS; Tomcat; Traefik; Trivy;
TypeScript; Ubuntu; Unreal; URL; UTC; Vagrant; Valkey; Vault; Vercel; Vim; Vite; VLAN; vLLM; VPN; VS Code; Vue;
Vulkan; WARN; Webpack; WebSocket; Whisper; Windows; XGBoost; XML; XSS; YAML; Yarn; Zabbix; ZFS; Zipkin; Zsh
""".replace("\n", " ").split(";")
    if one.strip()
)
"""Compared without case."""

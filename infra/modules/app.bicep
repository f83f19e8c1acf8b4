// The Function App on Flex Consumption. Every setting has the name that shared/settings reads.
param name string
param location string
param tags object
param identityId string
param clientId string
param storageName string
param vaultUri string
param insightsConnection string
param policySource string
param instanceMemoryMB int
param apiAudience string
param costExports string
param eventsTopic string
param subnetId string

var blobEndpoint = 'https://${storageName}.blob.${environment().suffixes.storage}'
var queueEndpoint = 'https://${storageName}.queue.${environment().suffixes.storage}'
var tableEndpoint = 'https://${storageName}.table.${environment().suffixes.storage}'
var cloud = environment().name
var settings = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
  PYTHON_THREADPOOL_THREAD_COUNT: '16'
  LAMPLIGHTER_POLICY: policySource == 'blob' ? '${blobEndpoint}/policy/policy.yaml' : 'policy.yaml'
  LAMPLIGHTER_JOURNAL: tableEndpoint
  LAMPLIGHTER_QUEUE: queueEndpoint
  LAMPLIGHTER_TABLE_PREFIX: 'lamplighter'
  // Azure calls its public cloud AzureCloud.
  LAMPLIGHTER_CLOUD: cloud == 'AzureCloud' ? 'AzurePublicCloud' : cloud
  LAMPLIGHTER_CLIENT_ID: clientId
  LAMPLIGHTER_HOLD: ''
  LAMPLIGHTER_COST_EXPORTS: costExports
  LAMPLIGHTER_EVENTS_TOPIC: eventsTopic
  LAMPLIGHTER_TICK_SCHEDULE: '0 */5 * * * *'
  LAMPLIGHTER_PULSE_SCHEDULE: '15 * * * * *'
  LAMPLIGHTER_TELL_SCHEDULE: '45 * * * * *'
  LAMPLIGHTER_DIGEST_SCHEDULE: '0 7 * * * *'
  LAMPLIGHTER_SWEEP_SCHEDULE: '0 20 3 * * *'
  LAMPLIGHTER_KEEP_DAYS: '400'
  LAMPLIGHTER_DIGESTS: '${blobEndpoint}/digests'
  OPERATORS_CHANNEL: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/operators-channel)'
}
var apiSettings = {
  LAMPLIGHTER_API_AUDIENCE: apiAudience
  LAMPLIGHTER_API_TENANT: tenant().tenantId
}

// What must be reached without a sign-in: Event Grid's own handshake and delivery, and the link in a warning.
// Event Grid writes its path with capitals, and whether the sign-in minds is nowhere said: both are left out.
var openPaths = [
  '/runtime/webhooks/eventgrid'
  '/runtime/webhooks/EventGrid'
  '/api/clusters/postpone'
]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  // checkov:skip=CKV_AZURE_225: Flex Consumption has zones in some regions only; a tick that a zone loses is made up for by the next
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  // checkov:skip=CKV_AZURE_222: Event Grid delivers from outside, and the link in a warning is opened anywhere; both paths decide nothing by themselves
  // checkov:skip=CKV_AZURE_17: neither Event Grid nor a browser has a client certificate; callers show an Entra token, which the app verifies
  // checkov:skip=CKV_AZURE_212: it scales to zero on purpose: between ticks there is nothing to serve
  // checkov:skip=CKV_AZURE_78: Flex Consumption has no FTP and refuses a template that sets ftpsState; its passwords are off below
  // checkov:skip=CKV_AZURE_213: Flex Consumption has no health check path; the alert ticks-missed says when nothing runs
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientCertEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}/deployment'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: 40
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  // checkov:skip=CKV_AZURE_66: a check of the whole site, seen here in its app settings: Flex Consumption has no failed request tracing; failures are in Application Insights
  // checkov:skip=CKV_AZURE_63: a check of the whole site, seen here in its app settings: HTTP logs would hold the query of the link in a warning, which is its key
  // checkov:skip=CKV_AZURE_65: a check of the whole site, seen here in its app settings: detailed error pages tell strangers more than they need
  // checkov:skip=CKV_AZURE_222: a check of the whole site, seen here in its app settings: as said of the site
  // checkov:skip=CKV_AZURE_80: a check of the whole site, seen here in its app settings: it runs Python, not .NET
  // checkov:skip=CKV_AZURE_13: a check of the whole site, seen here in its app settings: authentication is the resource authsettingsV2 below
  // checkov:skip=CKV_AZURE_88: a check of the whole site, seen here in its app settings: nothing is kept on a file share; the package is a blob
  parent: site
  name: 'appsettings'
  properties: union(settings, {
    LAMPLIGHTER_PUBLIC_URL: 'https://${site.properties.defaultHostName}'
  }, empty(apiAudience) ? {} : apiSettings)
}

// A first door; the app verifies each token itself all the same (docs/http.md).
resource authentication 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(apiAudience)) {
  // checkov:skip=CKV_AZURE_66: a check of the whole site, seen here in its sign-in: as said of the app settings
  // checkov:skip=CKV_AZURE_63: a check of the whole site, seen here in its sign-in: as said of the app settings
  // checkov:skip=CKV_AZURE_65: a check of the whole site, seen here in its sign-in: as said of the app settings
  // checkov:skip=CKV_AZURE_222: a check of the whole site, seen here in its sign-in: as said of the app settings
  // checkov:skip=CKV_AZURE_80: a check of the whole site, seen here in its sign-in: as said of the app settings
  // checkov:skip=CKV_AZURE_88: a check of the whole site, seen here in its sign-in: as said of the app settings
  // checkov:skip=CKV_AZURE_13: this is the authentication, in its second version, which the check does not know
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      excludedPaths: openPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: apiAudience
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            apiAudience
            'api://${apiAudience}'
          ]
        }
      }
    }
  }
}

resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

output functionAppName string = site.name
output functionAppId string = site.id
output publicUrl string = 'https://${site.properties.defaultHostName}'

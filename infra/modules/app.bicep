// The Function App on Flex Consumption. Every setting has the name that shared/settings.py reads.
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
param subnetId string

var blobEndpoint = 'https://${storageName}.blob.${environment().suffixes.storage}'
var queueEndpoint = 'https://${storageName}.queue.${environment().suffixes.storage}'
var tableEndpoint = 'https://${storageName}.table.${environment().suffixes.storage}'
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
  LAMPLIGHTER_CLOUD: environment().name
  LAMPLIGHTER_CLIENT_ID: clientId
  LAMPLIGHTER_HOLD: ''
  LAMPLIGHTER_TICK_SCHEDULE: '0 */5 * * * *'
  LAMPLIGHTER_PULSE_SCHEDULE: '15 * * * * *'
  LAMPLIGHTER_TELL_SCHEDULE: '45 * * * * *'
  OPERATORS_CHANNEL: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/operators-channel)'
}
var apiSettings = {
  LAMPLIGHTER_API_AUDIENCE: apiAudience
  LAMPLIGHTER_API_TENANT: tenant().tenantId
  LAMPLIGHTER_PUBLIC_URL: 'https://${name}.azurewebsites.net'
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
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
      ftpsState: 'Disabled'
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
  parent: site
  name: 'appsettings'
  properties: union(settings, empty(apiAudience) ? {} : apiSettings)
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

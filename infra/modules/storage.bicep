// Journal (tables), queues, deployment package, policy, sent digests, dead letters. Keys are switched off.
param name string
param location string
param tags object

@description('Required. Principal of the app identity.')
param principalId string

@description('Required. False: only private endpoints reach it, and Event Grid with its dead letters.')
param publicAccess bool

@description('Optional. Days after which dead letters are thrown away.')
param deadLetterDays int = 30

// From: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
var roles = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
// Kept: overwriting makes a new version, and no version can be changed or deleted for so many days.
var containers = [
  {
    name: 'deployment'
    kept: false
  }
  {
    name: 'policy'
    kept: true
  }
  {
    name: 'digests'
    kept: true
  }
  {
    name: 'dead-letters'
    kept: false
  }
]
var keptDays = [
  {
    container: 'policy'
    days: 90
  }
  {
    container: 'digests'
    days: 365
  }
]
var queues = [
  'lamplighter-act'
  'lamplighter-act-poison'
  'lamplighter-digest'
]
var tables = [
  'lamplighterMemory'
  'lamplighterHistory'
  'lamplighterInbox'
  'lamplighterNotices'
  'lamplighterFleet'
  'lamplighterPrices'
  'lamplighterLinks'
  'lamplighterOutbox'
]

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  // checkov:skip=CKV_AZURE_59: no container is public and keys are off; switched off whole, Event Grid could not leave its dead letters
  // checkov:skip=CKV_AZURE_35: without privateNetwork the app has no address of its own to let in; keys are off, access is by identity and role, and privateNetwork denies by default
  // checkov:skip=CKV_AZURE_206: zones, not a second region: a lost journal costs comfort, not safety (docs/runbook.md), and a policy is in your repository too
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    // Enabled with default Deny still lets trusted services in, which 'Disabled' would not.
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: {
      enabled: true
      days: 30
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 30
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [for item in containers: {
  parent: blobs
  name: item.name
  properties: {
    publicAccess: 'None'
    immutableStorageWithVersioning: {
      enabled: item.kept
    }
  }
}]

// Which policy was in force when, and what finance was sent, stays as it was.
resource kept 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2024-01-01' = [for item in keptDays: {
  name: '${name}/default/${item.container}/default'
  properties: {
    immutabilityPeriodSinceCreationInDays: item.days
    allowProtectedAppendWrites: false
  }
  dependsOn: [
    container
  ]
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for item in queues: {
  parent: queueService
  name: item
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = [for item in tables: {
  parent: tableService
  name: item
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'dead-letters-go'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'dead-letters/'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: deadLetterDays
                }
              }
            }
          }
        }
        {
          name: 'old-versions-go'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'deployment/'
              ]
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: 90
                }
              }
            }
          }
        }
        {
          name: 'old-policies-and-digests-go'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'policy/'
                'digests/'
              ]
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: 730
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [
    blobs
  ]
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for item in items(roles): {
  name: guid(account.id, principalId, item.value)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.value)
  }
}]

output accountId string = account.id
output accountName string = account.name
output policyUrl string = '${account.properties.primaryEndpoints.blob}policy/policy.yaml'

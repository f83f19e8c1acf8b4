// Lamplighter, whole: `azd up` deploys this at subscription scope. Plain resources in small modules, one per concern.
targetScope = 'subscription'

@description('Required. Name of the azd environment; becomes part of every name.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Required. Region of the app. The fleet may live anywhere.')
param location string

@description('Optional. Where the policy is read from: a path in the package, or blob to read it from the policy container, so that a merge alone changes what happens.')
@allowed([
  'package'
  'blob'
])
param policySource string = 'package'

@description('Optional. Mail address that alerts about Lamplighter itself go to. Empty: alerts fire without mail.')
param operatorsMail string = ''

@description('Optional. Puts storage and vault behind private endpoints in a network of their own.')
param privateNetwork bool = false

@description('Optional. What this installation itself may cost a month, in the billing currency, before people are told. 0: no budget.')
@minValue(0)
param monthlyBudget int = 20

@description('Optional. First day of the month from which the budget counts. Azure never lets a budget change it, so azd keeps what the first deployment took. Empty: this month.')
param budgetStart string = ''

@description('Optional. Not to be set: the day of this deployment, which only a default may ask for.')
param firstOfMonth string = utcNow('yyyy-MM-01')

@description('Optional. Subscriptions of the fleet, separated by commas. Empty: the one this is deployed to.')
param fleetSubscriptions string = ''

@description('Optional. Name of a management group that holds the fleet; the role is then granted there, by role-of-group.bicep.')
param fleetManagementGroup string = ''

@description('Optional. Hints by Event Grid. Their function must exist, so azd provisions once without and once with them.')
param events bool = false

@description('Optional. Client id of the Entra application whose tokens may keep clusters on over HTTP. Empty: those functions refuse everybody.')
param apiAudience string = ''

@description('Optional. Address of the container that cost exports are written to; the identity needs Storage Blob Data Reader there.')
param costExports string = ''

@description('Optional. Endpoint of a custom topic of Event Grid for own events; the identity needs EventGrid Data Sender there.')
param eventsTopic string = ''

@description('Optional. Memory of one instance in MB; 512 holds 10,000 clusters (measured by benchmarks/tick.py).')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 512

var subscriptions = empty(fleetSubscriptions) ? [
  subscription().subscriptionId
] : split(fleetSubscriptions, ',')
var roleSubscriptions = empty(fleetManagementGroup) ? subscriptions : []
var hintSubscriptions = events ? subscriptions : []
var budgetBegins = empty(budgetStart) ? firstOfMonth : budgetStart
var budgeted = monthlyBudget > 0
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-lamplighter-${token}'
    location: location
    tags: tags
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-lamplighter-${token}'
    location: location
    tags: tags
    storageName: storage.outputs.accountName
    vaultName: vault.outputs.vaultName
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'stlamp${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    publicAccess: !privateNetwork
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-lamp-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    publicAccess: !privateNetwork
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'lamplighter-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-lamplighter-${token}'
    location: location
    tags: union(tags, {
      'azd-service-name': 'lamplighter'
    })
    identityId: identity.outputs.identityId
    clientId: identity.outputs.clientId
    storageName: storage.outputs.accountName
    vaultUri: vault.outputs.vaultUri
    insightsConnection: monitoring.outputs.connectionString
    policySource: policySource
    instanceMemoryMB: instanceMemoryMB
    apiAudience: apiAudience
    costExports: costExports
    eventsTopic: eventsTopic
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
  }
}

module role 'modules/role.bicep' = [for id in roleSubscriptions: {
  name: 'role-${token}'
  scope: subscription(trim(id))
  params: {
    name: 'Lamplighter ${environmentName}'
    principalId: identity.outputs.principalId
  }
}]

module hints 'modules/hints.bicep' = [for id in hintSubscriptions: {
  name: 'hints-${token}'
  scope: subscription(trim(id))
  params: {
    groupName: 'rg-${environmentName}-hints'
    location: location
    tags: tags
    functionId: '${app.outputs.functionAppId}/functions/look'
    actionGroupId: alerts.outputs.actionGroupId
  }
}]

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    name: 'lamplighter-${token}'
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    operatorsMail: operatorsMail
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    name: 'lamplighter'
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
  }
}

module budget 'modules/budget.bicep' = if (budgeted) {
  name: 'budget'
  scope: group
  params: {
    name: 'lamplighter-itself'
    amount: monthlyBudget
    startDate: budgetBegins
    actionGroupId: alerts.outputs.actionGroupId
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output LAMPLIGHTER_FUNCTION_APP_NAME string = app.outputs.functionAppName
output LAMPLIGHTER_PUBLIC_URL string = app.outputs.publicUrl
output LAMPLIGHTER_FUNCTION_APP_ID string = app.outputs.functionAppId
output LAMPLIGHTER_STORAGE_ACCOUNT_ID string = storage.outputs.accountId
output LAMPLIGHTER_STORAGE_ACCOUNT_NAME string = storage.outputs.accountName
output LAMPLIGHTER_POLICY_URL string = storage.outputs.policyUrl
output LAMPLIGHTER_VAULT_URI string = vault.outputs.vaultUri
output LAMPLIGHTER_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output LAMPLIGHTER_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output LAMPLIGHTER_ACTION_GROUP_ID string = alerts.outputs.actionGroupId
output LAMPLIGHTER_BUDGET_START string = budgeted ? budgetBegins : ''

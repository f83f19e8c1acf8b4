// What the app may do to the fleet, and nothing else. `lamplighter role --policy policy.yaml` prints the same list with
// a reason for each action. Never here: credentials, run command, delete, role assignment.
targetScope = 'subscription'

param name string
param principalId string

@description('Required. False: reading only, which is all that mode plan needs.')
param mayAct bool

var reading = [
  'Microsoft.ContainerService/managedClusters/read'
  'Microsoft.ContainerService/managedClusters/agentPools/read'
  'Microsoft.ContainerService/fleets/members/read'
  'Microsoft.Resources/subscriptions/read'
  'Microsoft.Resources/subscriptions/resourceGroups/read'
  'Microsoft.Management/managementGroups/read'
  'Microsoft.Insights/metrics/read'
  'Microsoft.OperationalInsights/workspaces/query/read'
  'Microsoft.OperationalInsights/workspaces/query/KubePodInventory/read'
  'Microsoft.OperationalInsights/workspaces/query/AKSAuditAdmin/read'
  'Microsoft.OperationalInsights/workspaces/query/AzureDiagnostics/read'
]
var acting = [
  'Microsoft.Authorization/locks/read'
  'Microsoft.ContainerService/locations/operations/read'
  'Microsoft.ContainerService/locations/operationresults/read'
  'Microsoft.ContainerService/managedClusters/start/action'
  'Microsoft.ContainerService/managedClusters/stop/action'
  'Microsoft.ContainerService/managedClusters/agentPools/write'
  'Microsoft.Network/virtualNetworks/subnets/join/action'
]

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name)
  properties: {
    roleName: name
    description: 'Reads AKS clusters and, where allowed, starts and stops them and their pools.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: mayAct ? union(reading, acting) : reading
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, definition.name)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}

output roleDefinitionId string = definition.id

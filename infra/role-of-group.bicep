// The same role for everything below a management group; the hook postprovision of azure.yaml deploys it. It stands alone
// because a template of a subscription can't reach a management group, and the way around through the tenant would ask
// for rights on the tenant's root. Azure lets a custom role name one management group.
targetScope = 'managementGroup'

@description('Required. Name of the role.')
param name string

@description('Required. Principal of the app identity.')
param principalId string

var granted = loadJsonContent('actions.json')

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, name)
  properties: {
    roleName: '${name} in ${managementGroup().name}'
    description: 'What the policy of Lamplighter needs; see lamplighter role.'
    type: 'CustomRole'
    assignableScopes: [
      managementGroup().id
    ]
    permissions: [
      {
        actions: granted.actions
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, principalId, definition.name)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}

output roleDefinitionId string = definition.id

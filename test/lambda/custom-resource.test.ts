import { PhysicalId } from '../../lambda/cloudformation/physical-id';
import type { CustomResourceRequest } from '../../lambda/cloudformation/request';
import { handleRequest } from '../../lambda/custom-resource';
import type { Resource } from '../../lambda/resources/resource';
import { recordingLog, requestOf, SECRET_URL, TestWorld } from './world';
import type { TestResponse } from './world';

/** Records the calls of its methods. The methods use `this`. */
class RecordingResource implements Resource {
  readonly physicalId: PhysicalId;
  constructor(
    request: CustomResourceRequest,
    private readonly onCall: (method: string) => void,
  ) {
    this.physicalId = PhysicalId.ofPermanentResource(request);
  }
  create(): Promise<object> {
    return this.record('create');
  }
  update(): Promise<object> {
    return this.record('update');
  }
  async delete(): Promise<void> {
    await this.record('delete');
  }
  private record(method: string): Promise<object> {
    this.onCall(method);
    return Promise.resolve({});
  }
}

test.each(['Create', 'Update', 'Delete'])('a %s request calls the method of that name on the resource', async (type) => {
  const { api, time } = new TestWorld();
  const calledMethods: string[] = [];
  const responses: TestResponse[] = [];
  const createResource = (request: CustomResourceRequest): Resource =>
    new RecordingResource(request, (method) => calledMethods.push(method));
  await handleRequest(
    requestOf(type, { ResourceType: 'Custom::Recording' }),
    { getRemainingTimeInMillis: () => 900_000 },
    new Map([['Custom::Recording', { budgetSeconds: 60, createResource }]]),
    {
      api,
      assume: () => api,
      put: (url, body) => {
        expect(url).toBe(SECRET_URL);
        responses.push(JSON.parse(body) as TestResponse);
        return Promise.resolve(200);
      },
      time,
      log: recordingLog(),
      region: 'eu-central-1',
    },
  );
  expect(responses).toMatchObject([{ Status: 'SUCCESS', LogicalResourceId: 'Authorization' }]);
  expect(calledMethods).toEqual([type.toLowerCase()]);
});

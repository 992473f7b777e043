import { Body, Controller, Get, HttpCode, Injectable, Module, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { CurrentPrincipal, Scopes } from '../../src/common/access.decorators';
import { type Principal } from '../../src/common/principal';
import { NotFoundProblem } from '../../src/http/problem';
import { CurrentCharge, Metered, type MeteredCall } from '../../src/metering/metered.decorator';
import { MeteringService } from '../../src/metering/metering.service';
import { Creates, Fails } from '../../src/openapi/declarations';

export class TokensDto {
  @ApiProperty()
  @IsInt()
  @Min(1)
  @Max(1_000)
  tokens: number;
}

export class RunDto {
  @ApiProperty()
  run: number;
}

/** What handlers do beside answering; a test sets it. */
export const work: { runs: number; during: (charge?: MeteredCall) => unknown } = { runs: 0, during: () => undefined };

async function runOnce(charge?: MeteredCall): Promise<RunDto> {
  const run = ++work.runs;
  await work.during(charge);
  return { run };
}

@Injectable()
class NotesService {
  constructor(private readonly metering: MeteringService) {}

  /** Rows of a feature's own: here, of settings. */
  async add(charge: MeteredCall, key: string): Promise<RunDto> {
    return charge.transaction(async (tx) => {
      const answer = await runOnce();
      await tx.query(`INSERT INTO system_configurations (key, value, visibility) VALUES ($1, '1', 'internal')`, [key]);
      return answer;
    });
  }

  charge(principal: Principal): Promise<{ id: string; cost: number }> {
    return this.metering.charge(principal, { type: 'in-code', cost: 2 });
  }
}

@Controller('v1/metered')
class MeteredController {
  constructor(private readonly notes: NotesService) {}

  @Post('plain')
  @Scopes('requests:write')
  @Metered({ type: 'plain', cost: 3 })
  @ApiCreatedResponse({ type: RunDto })
  @Fails(NotFoundProblem)
  plain(): Promise<RunDto> {
    return runOnce();
  }

  @Post('tokens')
  @HttpCode(200)
  @Scopes('requests:write')
  @Metered<TokensDto>({ type: 'tokens', cost: ({ body }) => body.tokens, refundOn: 'fault' })
  @ApiOkResponse({ type: RunDto })
  @Fails(NotFoundProblem)
  tokens(@Body() _: TokensDto, @CurrentCharge() charge: MeteredCall): Promise<RunDto> {
    return runOnce(charge);
  }

  @Get('reads/:name')
  @Scopes('requests:read')
  @Metered({ type: 'reads', refundOn: 'never' })
  @ApiOkResponse({ type: RunDto })
  @Fails(NotFoundProblem)
  reads(@Param('name') _: string): Promise<RunDto> {
    return runOnce();
  }

  @Post('notes')
  @Scopes('requests:write')
  @Metered({ type: 'notes', cost: 2, together: true, headersOf: ({ run }: RunDto) => ({ location: `/v1/metered/notes/${run}` }) })
  @Creates(RunDto)
  @Fails(NotFoundProblem)
  add(@CurrentCharge() charge: MeteredCall, @Query('key') key: string): Promise<RunDto> {
    return this.notes.add(charge, key);
  }

  @Post('forgotten')
  @Scopes('requests:write')
  @Metered({ type: 'forgotten', together: true })
  @ApiCreatedResponse({ type: RunDto })
  forgotten(): Promise<RunDto> {
    return runOnce();
  }

  @Post('in-code')
  @Scopes('requests:write')
  @ApiCreatedResponse({ schema: { type: 'object' } })
  async inCode(@CurrentPrincipal() principal: Principal): Promise<object> {
    const { id, cost } = await this.notes.charge(principal);
    return { id, cost };
  }
}

/** What a feature looks like that knows of nothing but the decorator: no module of metering among its imports. */
@Module({ controllers: [MeteredController], providers: [NotesService] })
export class MeteredFeature {}

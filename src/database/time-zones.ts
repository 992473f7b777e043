import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** The IANA zones that this PostgreSQL knows: it is the one that reckons the days, so its list is the one that counts. */
@Injectable()
export class TimeZones implements OnModuleInit {
  private names: ReadonlySet<string> = new Set();

  constructor(private readonly dataSource: DataSource) {}

  async onModuleInit(): Promise<void> {
    const rows: { name: string }[] = await this.dataSource.query(
      `SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/' AND name NOT IN ('Factory', 'localtime', 'posixrules')`,
    );
    this.names = new Set(rows.map((row) => row.name));
  }

  has(name: string): boolean {
    return this.names.has(name);
  }
}

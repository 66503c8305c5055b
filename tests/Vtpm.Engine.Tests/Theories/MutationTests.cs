using System.Buffers.Binary;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>
/// Random changes of commands that succeed: no exception, no hang, and no trace of a failure but those it may leave. Half of them are authorized anew, so
/// that they get past the HMACs. VTPM_MUTATIONS is how many, VTPM_MUTATION_SEED where they begin.
/// </summary>
public class MutationTests
{
    private const int UnitRun = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Command_MutatedAtRandom_IsAnswered()
    {
        int count = Setting("VTPM_MUTATIONS", UnitRun);
        int seed = Setting("VTPM_MUTATION_SEED", 1);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        byte[] latest = [];
        int done = 0;
        Task run = Task.Run(
            () =>
            {
                var runner = new TheoryRunner();
                for (int i = 0; i < count && !cancellation.IsCancellationRequested; i++)
                {
                    var mutation = new Mutation(new Random(seed + i), runner.Commands);
                    Volatile.Write(ref latest, mutation.Request);
                    runner.Run(mutation.Entry.State, mutation.Locality, mutation.Request);
                    Volatile.Write(ref done, i);
                }
            },
            cancellation);
        // A command that hangs never lets the count go on.
        for (int before = -1; await Task.WhenAny(run, Task.Delay(Patience, cancellation)) != run; before = Volatile.Read(ref done))
            Assert.True(before != Volatile.Read(ref done), $"this takes longer than {Patience}: {Convert.ToHexStringLower(latest)}");
        await run;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;

    /// <summary>One to four changes of an entry.</summary>
    private readonly struct Mutation
    {
        private static readonly uint[] Edges = [0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x40000000, 0x40000006];

        public Mutation(Random random, CommandTable commands)
        {
            Entry = Corpus.Entries[random.Next(Corpus.Entries.Count)];
            Locality = random.Next(8) == 0 ? random.Next(7) : Entry.Locality;
            List<byte> bytes = [.. Entry.Request];
            for (int change = random.Next(4); change >= 0 && bytes.Count > 0; change--) Change(bytes, random);
            Request = random.Next(10) switch
            {
                0 => [.. bytes],
                < 5 => CorpusEntry.Sized([.. bytes]),
                _ => Entry.Authorized([.. bytes], commands),
            };
        }

        public CorpusEntry Entry { get; }

        public int Locality { get; }

        public byte[] Request { get; }

        /// <summary>Mostly small changes behind the header: those are what gets far.</summary>
        private static void Change(List<byte> bytes, Random random)
        {
            bool isBody = bytes.Count > CorpusEntry.HeaderSize && random.Next(16) != 0;
            int at = isBody ? random.Next(CorpusEntry.HeaderSize, bytes.Count) : random.Next(bytes.Count);
            switch (random.Next(20))
            {
                case < 7:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case < 10:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case < 14:
                    uint number = random.Next(2) == 0 ? Edges[random.Next(Edges.Length)] : (uint)random.Next(bytes.Count + 8);
                    Overwrite(bytes, at, number, width: random.Next(2) == 0 ? 4 : 2);
                    break;
                case 14 or 15:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 64), bytes.Count - at));
                    break;
                case 16 or 17:
                    bytes.InsertRange(at, Bytes(random, random.Next(1, 64)));
                    break;
                case 18 when bytes.Count >= CorpusEntry.HeaderSize:
                    ChangeCommand(bytes, random);
                    break;
                default:
                    // A piece of another command.
                    ReadOnlySpan<byte> other = Corpus.Entries[random.Next(Corpus.Entries.Count)].Request[CorpusEntry.HeaderSize..];
                    bytes.InsertRange(at, other[random.Next(other.Length + 1)..]);
                    break;
            }
        }

        /// <summary>The same parameters for another command, or with another number of sessions.</summary>
        private static void ChangeCommand(List<byte> bytes, Random random)
        {
            ReadOnlySpan<byte> other = Corpus.Entries[random.Next(Corpus.Entries.Count)].Request;
            bytes[1] = other[1];
            for (int i = 6; i < CorpusEntry.HeaderSize; i++) bytes[i] = other[i];
        }

        private static byte[] Bytes(Random random, int count)
        {
            byte[] bytes = new byte[count];
            random.NextBytes(bytes);
            return bytes;
        }

        private static void Overwrite(List<byte> bytes, int at, uint value, int width)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(number, value);
            number = number[^width..];
            for (int i = 0; i < width && at + i < bytes.Count; i++) bytes[at + i] = number[i];
        }
    }
}

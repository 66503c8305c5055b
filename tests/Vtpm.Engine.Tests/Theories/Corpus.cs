using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>
/// Commands that succeed, each with the state that it does so in: what the scripts of <c>Corpus.*.cs</c> send. Every command of the table must be there;
/// <see cref="CorpusTests"/> says which one is not.
/// </summary>
public static partial class Corpus
{
    private static readonly Lazy<IReadOnlyList<CorpusEntry>> Recorded = new(Record);

    /// <summary>What begins with a TPM as it leaves the factory.</summary>
    private static readonly Action<TestTpm>[] WithoutOwner =
    [
        Start,
        Test,
        OptIn,
        Own,
        Clear,
        Endorse,
        SeedDelegations,
    ];

    /// <summary>What begins with a TPM that has an owner.</summary>
    private static readonly Action<TestTpm>[] WithOwner =
    [
        Store,
        Migrate,
        MigrateCertified,
        Maintain,
        Cryptography,
        Attest,
        AttestAnonymously,
        ChangeSecrets,
        ChangeSecretsUnseen,
        Sessions,
        Delegate,
        Contexts,
        Transport,
        Audit,
        Remember,
        Count,
        Deprecated,
        AskTheParent,
    ];

    public static IReadOnlyList<CorpusEntry> Entries => Recorded.Value;

    /// <summary>The first entry of each command and number of sessions, by the scripts' order.</summary>
    public static IEnumerable<CorpusEntry> OneOfEach => Entries.DistinctBy(entry => (entry.Ordinal, entry.Sessions));

    /// <summary>The scripts by name. Each drives a TPM that is powered on and started.</summary>
    public static IEnumerable<(string Name, Action<TestTpm> Run)> Scripts()
    {
        foreach (Action<TestTpm> script in WithoutOwner) yield return (script.Method.Name, script);
        foreach (Action<TestTpm> script in WithOwner)
        {
            yield return (script.Method.Name, tpm =>
            {
                tpm.TakeOwnership();
                script(tpm);
            });
        }
    }

    private static List<CorpusEntry> Record()
    {
        var entries = new List<CorpusEntry>();
        foreach ((_, Action<TestTpm> script) in Scripts())
        {
            var tpm = new TestTpm(TestTpm.EveryCommand);
            tpm.Sending += sent => entries.Add(new CorpusEntry(sent));
            script(tpm);
        }

        return entries;
    }

    private static TestAuth OwnerOsap(TestTpm tpm, TpmAdipEncScheme scheme = TpmAdipEncScheme.Xor) =>
        tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, scheme);

    private static TestAuth Owner(TestTpm tpm) => tpm.Oiap(TestTpm.OwnerAuth);

    private static TestAuth Key(TestTpm tpm) => tpm.Oiap(TestTpm.KeyAuth);

    private static TestAuth Srk(TestTpm tpm) => tpm.Oiap(TestTpm.WellKnown);
}

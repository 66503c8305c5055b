using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace Vtpm.Architecture.Tests;

/// <summary>The walls of docs/architecture.md: which room may know which.</summary>
public class ReferenceGraphTests
{
    public static TheoryData<string, string[]> Rooms => new()
    {
        { "Vtpm.Wire", [] },
        { "Vtpm.Confinement", [] },
        { "Vtpm.Engine", ["Vtpm.Wire"] },
        { "Vtpm.Crypto", ["Vtpm.Engine", "Vtpm.Wire"] },
        { "Vtpm.Storage", ["Vtpm.Wire"] },
        { "Vtpm.Transports", ["Vtpm.Wire"] },
        { "Vtpm.Tis", ["Vtpm.Wire", "Vtpm.Transports"] },
        { "Vtpm.Xen", ["Vtpm.Wire", "Vtpm.Transports"] },
        { "Vtpm.StubDomain", [] },
        { "Vtpm.Client", ["Vtpm.Wire", "Vtpm.Transports"] },
        { "Vtpm.Boot", ["Vtpm.Wire", "Vtpm.Client", "Vtpm.Transports"] },
        { "Vtpm.Backend", ["Vtpm.Wire", "Vtpm.Transports", "Vtpm.Xen", "Vtpm.Storage", "Vtpm.Confinement"] },
        { "Vtpm.Instance", ["Vtpm.Wire", "Vtpm.Engine", "Vtpm.Crypto", "Vtpm.Storage", "Vtpm.Client", "Vtpm.Transports"] },
        { "Vtpm.Manager", ["Vtpm.Wire", "Vtpm.Storage", "Vtpm.Client", "Vtpm.Transports", "Vtpm.Xen"] },
    };

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Room_KnowsOnlyTheRoomsItMay(string room, string[] allowed)
    {
        string[] known = [.. Read(room, reader => reader.AssemblyReferences.Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name)))
            .Where(name => name.StartsWith("Vtpm.", StringComparison.Ordinal))];
        Assert.Empty(known.Except(allowed));
    }

    [Theory]
    [InlineData("Vtpm.Wire")]
    [InlineData("Vtpm.Engine")]
    [InlineData("Vtpm.Storage")]
    [InlineData("Vtpm.Transports")]
    [InlineData("Vtpm.Client")]
    [InlineData("Vtpm.Instance")]
    [InlineData("Vtpm.Backend")]
    [InlineData("Vtpm.Manager")]
    public void Room_CallsNoNativeCode(string room) => Assert.Empty(NativeCalls(room));

    [Theory]
    [InlineData("Vtpm.Boot")]
    [InlineData("Vtpm.Crypto")]
    [InlineData("Vtpm.Tis")]
    [InlineData("Vtpm.Xen")]
    [InlineData("Vtpm.Confinement")]
    [InlineData("Vtpm.StubDomain")]
    public void Room_IsWhereNativeCodeIsCalled(string room) => Assert.NotEmpty(NativeCalls(room));

    private static string[] NativeCalls(string room) => [.. Read(room, reader => reader.MethodDefinitions
        .Select(reader.GetMethodDefinition)
        .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
        .Select(method => reader.GetString(method.Name)))];

    private static string[] Read(string room, Func<MetadataReader, IEnumerable<string>> read)
    {
        using FileStream file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, room + ".dll"));
        using var assembly = new PEReader(file);
        return [.. read(assembly.GetMetadataReader())];
    }
}

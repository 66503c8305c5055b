using System.CommandLine;
using System.Globalization;
using Vtpm.Client;

namespace Vtpm.Cli;

/// <summary>A group as people name it: by its number, or by its uuid.</summary>
internal readonly record struct GroupReference(uint Index, Guid? Uuid)
{
    public static Argument<GroupReference?> Argument() => new("group")
    {
        Description = "The group: its number, as 'vtpm manage list' shows it, or its uuid.",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint index)) return new GroupReference(index, null);
            if (Guid.TryParse(text, out Guid uuid)) return new GroupReference(0, uuid);
            result.AddError($"'{text}' is no group: write its number, such as 0, or its uuid");
            return null;
        },
    };

    /// <summary>The number that the manager knows it by.</summary>
    public uint Resolve(VtpmManagement manager)
    {
        if (Uuid is not { } uuid) return Index;
        return manager.FindGroup(uuid)
            ?? throw new CommandException($"there is no open group {uuid}; 'vtpm manage list' shows what there is, and a closed group is named by its number");
    }

    public override string ToString() => Uuid?.ToString() ?? Index.ToString(CultureInfo.InvariantCulture);
}
